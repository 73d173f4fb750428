"""What happens around every run: settings checked before it, a record and a short summary after it.

Hooks see names, times and small JSON results; never captures, arrays or models.
"""
