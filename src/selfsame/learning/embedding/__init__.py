"""Embeddings of captures by trained networks, and what is made of them."""
