"""The response cache as a user sees it: what is in it, and away with it."""

from stepeval.api.sources import DEFAULT_CACHE
from stepeval.store.cache import CacheInfo, cache_info, clear_cache

__all__ = ["DEFAULT_CACHE", "CacheInfo", "cache_info", "clear_cache"]
