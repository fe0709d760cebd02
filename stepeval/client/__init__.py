"""The wire: a Request becomes HTTP, and what comes back becomes a Response or a Failure."""
