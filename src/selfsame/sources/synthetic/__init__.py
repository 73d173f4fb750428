"""Procedural captures: one master per identity and the captures made of it."""
