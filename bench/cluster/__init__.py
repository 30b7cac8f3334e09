"""Several nodes with one Redis: what each of them pays for what the others' clients do."""
