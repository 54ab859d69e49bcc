"""POST /merge and the merges that it creates: routes, schemas and logic."""
