"""Many workers: threads, processes and clusters behind one way to hand out tasks."""
