"""The tests, a package so that it goes before others of this name that dependencies install."""
