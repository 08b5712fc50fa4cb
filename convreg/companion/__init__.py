"""The notebooks as programs: their parameters, one run, a sweep, all of them, the command line."""
