"""Sources of Debian's packages: tests of releases that no other package index has."""

import pathlib
import subprocess
import tarfile
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirrors():
    script = REPOSITORY / "third_party/fetch_debian.sh"
    return subprocess.run([script, "--print-mirrors"], check=True, capture_output=True,
                          text=True).stdout.split()


def fetch(suite, package, folder, only=""):
    """Unpacks what its authors released into `folder`, or what of it begins with `only`. apt checks the
    signatures, and installs nothing.
    """
    with tempfile.TemporaryDirectory() as state:
        for name in ["lists/partial", "archives/partial"]:
            pathlib.Path(state, name).mkdir(parents=True)
        pathlib.Path(state, "status").touch()
        pathlib.Path(state, "sources.list").write_text("".join(
            f"deb-src [signed-by={KEYRING}] {mirror} {suite} main\n" for mirror in mirrors()))
        apt = ["apt-get", "-qq"]
        for name, value in {
                "Dir::State": state, "Dir::State::status": f"{state}/status", "Dir::Cache": state,
                "Dir::Etc::sourcelist": f"{state}/sources.list", "Dir::Etc::sourceparts": "/dev/null",
                "APT::Sandbox::User": "root"}.items():
            apt += ["-o", f"{name}={value}"]
        subprocess.run([*apt, "update"], check=True)
        # A package of several archives counts as fetched when the one that matters is there.
        said = subprocess.run([*apt, "source", "--download-only", package], cwd=state, text=True,
                              capture_output=True).stderr
        found = [path for path in pathlib.Path(state).glob(f"{package}_*.orig.tar.*")
                 if path.suffix != ".asc"]
        if not found:
            raise RuntimeError(f"Debian {suite} does not give the sources of {package}: {said}")
        with tarfile.open(found[0]) as archive:
            for member in archive.getmembers():
                member.name = member.name.partition("/")[2]
                if member.name and member.name.startswith(only) and not member.issym():
                    archive.extract(member, folder)
