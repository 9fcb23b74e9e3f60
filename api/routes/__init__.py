"""The addresses of the service: ``/ogc`` by standard, ``/tiles``, and ``/api`` for what has no standard."""
