"""Rates of verification, identification and classification, each with its interval. Subjects are the unit."""
