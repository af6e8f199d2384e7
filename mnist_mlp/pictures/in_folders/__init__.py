"""Pictures in folders: finding them, and which folders are labels."""
