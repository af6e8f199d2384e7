"""What tests share; pytest's fixtures are in conftest.py."""
