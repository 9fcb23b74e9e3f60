"""Standards: profiles of indicators as data, and how communities are rated by them."""
