"""Where captures come from: layouts of folders and the procedural generators."""
