"""One module a suite; each has a function ``run`` that returns a report."""
