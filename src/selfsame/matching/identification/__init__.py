"""Who is presented, if anyone enrolled: galleries, candidates, answers."""
