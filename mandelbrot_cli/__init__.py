"""The command ``mandelbrot``: serve, render and bake the set, and tell what a place is."""
