"""The merge methods: functions of tensors and frozen configs, without registry, queue or environment."""
