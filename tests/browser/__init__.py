"""Tests in real notebook front ends. A package: the scope in which the browser is open."""
