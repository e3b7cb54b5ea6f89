"""Where `hf-ecg` enters. It stays beside the package, since installed commands name it."""

from hf_ecg.cli import run


def main() -> None:
    """The console script."""
    run()


if __name__ == "__main__":
    main()
