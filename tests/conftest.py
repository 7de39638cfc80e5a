"""What every suite shares."""

pytest_plugins = ["tests.services", "tests.databases"]
