"""Questions of benchmarks, a model's replies, what they mean and how right they are; never imports training."""
