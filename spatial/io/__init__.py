"""Where files enter and leave: packages, office formats and OpenStreetMap extracts."""
