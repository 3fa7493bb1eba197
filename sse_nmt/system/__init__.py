"""What has nothing to do with translation: atomic files, locks, processes, downloads, options, errors."""
