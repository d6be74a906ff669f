"""`python -m t2vid_hf` is the `t2vid` command; so `accelerate launch -m t2vid_hf train ...` needs no checkout."""

from t2vid_hf.cli.app import main

if __name__ == "__main__":
    main()
