"""The `t2vid` command: each sub-command is a few lines over the library, and a recipe is one of them."""
