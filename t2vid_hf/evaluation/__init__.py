"""Questions about videos, asked, answered, scored and reported. Never imports training."""
