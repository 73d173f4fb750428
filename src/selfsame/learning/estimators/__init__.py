"""Estimators that name a person: fitted on labelled pictures, they give a posterior over the people."""
