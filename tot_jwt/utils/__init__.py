"""Tools that know nothing of API keys: time, logging, bounded memory, text formats."""
