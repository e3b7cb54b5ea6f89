#!/bin/sh
# Makes the environment that everything runs in, or does nothing where it is there and up to date.
#     sh install.sh [FOLDER]        (`make environment` calls it; FOLDER is .venv)
# PYTHON=python3.12 chooses the Python, TORCH=cpu or TORCH=cuda the build of torch, INSTALLER=pip or INSTALLER=uv.
set -eu
cd "$(dirname "$0")"

folder=${1:-.venv}
wanted=$(sed -n 's/^requires-python = ">=\(.*\)"$/\1/p' pyproject.toml)
# PyTorch's own index of builds without CUDA; on Linux the usual build brings gigabytes of CUDA
cpu_index=https://download.pytorch.org/whl/cpu

fail() {
    echo "$*" >&2
    exit 1
}

version() { # PYTHON: its version, nothing where it does not run
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null || true
}

new_enough() { # VERSION
    [ -n "$1" ] && [ "$(printf '%s\n' "$wanted" "${1%.*}" | sort -t . -k 1,1n -k 2,2n | head -n 1)" = "$wanted" ]
}

choose_python() { # sets $python
    python=${PYTHON:-python3}
    found=$(version "$python")
    if new_enough "$found"; then
        return
    fi
    told="$python is Python $found"
    [ -n "$found" ] || told="there is no $python here"
    if [ -z "${PYTHON:-}" ]; then
        for other in python3.13 python3.12 python3.11 python3.14 python; do
            if new_enough "$(version "$other")"; then
                python=$other
                echo "$told, and hf_ecg needs $wanted or newer: taking $other"
                return
            fi
        done
    fi
    if [ -z "${PYTHON:-}" ] && command -v uv >/dev/null; then
        python=">=$wanted" INSTALLER=uv
        echo "$told, and hf_ecg needs $wanted or newer: uv brings one"
        return
    fi
    fail "$told, and hf_ecg needs Python $wanted or newer: install one, then say make environment PYTHON=python3.12"
}

choose_installer() { # sets $installer; uv does not read where pip was told to look
    installer=${INSTALLER:-}
    if [ -z "$installer" ]; then
        installer=pip
        if command -v uv >/dev/null && [ -z "${PIP_INDEX_URL:-}${PIP_EXTRA_INDEX_URL:-}${PIP_FIND_LINKS:-}" ]; then
            installer=uv
        fi
    fi
    case $installer in
    pip | uv) ;;
    *) fail "INSTALLER is $installer, wanted pip or uv" ;;
    esac
}

choose_torch() { # sets $torch
    torch=${TORCH:-}
    if [ -z "$torch" ]; then
        torch=cpu
        if nvidia-smi -L >/dev/null 2>&1; then
            torch=cuda
        fi
    fi
    case $torch in
    cpu | cuda) ;;
    *) fail "TORCH is $torch, wanted cpu or cuda" ;;
    esac
}

stale() { # why the environment that is there cannot be used; nothing where it can
    here=$(version "$folder/bin/python")
    if [ -z "$here" ]; then
        echo "its Python does not run"
    elif ! new_enough "$here"; then
        echo "it is of Python $here"
    elif [ -n "${PYTHON:-}" ] && [ "$here" != "$(version "$PYTHON")" ]; then
        echo "it is of Python $here, and $PYTHON is $(version "$PYTHON")"
    elif ! grep -qF "$absolute" "$folder/bin/activate" 2>/dev/null; then
        echo "it was made in another folder"
    elif [ -e "$folder/.installing" ]; then
        echo "its installation was not finished"
    elif [ -s "$folder/.installed" ] && [ "$(cut -d ' ' -f 1 "$folder/.installed")" != "$torch" ]; then
        echo "its torch is another build than $torch"
    fi
}

make_environment() {
    if [ "$installer" = uv ]; then
        uv venv --quiet --python "$python" "$folder" || fail "uv could not make $folder, see above"
    else
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$python cannot make environments: install its venv (on Debian and Ubuntu: apt install $python-venv)"
        "$python" -m venv "$folder" || fail "$python could not make $folder, see above"
    fi
}

install() { # arguments of pip install
    if [ "$installer" = uv ]; then
        uv pip install --python "$folder/bin/python" --constraint constraints.txt "$@"
    else
        "$folder/bin/python" -m pip install --constraint constraints.txt "$@"
    fi
}

install_cpu_torch() { # from PyTorch's index alone: where that cannot be reached, another one would bring CUDA unsaid
    echo "no NVIDIA GPU is used: torch without CUDA (make environment TORCH=cuda for the other build)"
    if [ "$installer" = uv ]; then
        install --torch-backend cpu torch
    else
        install --retries 0 --timeout 20 --no-deps --index-url "$cpu_index" torch
    fi || echo "PyTorch's index of CPU builds cannot be reached: torch comes from where $installer finds it," \
        "and may be the CUDA build, which takes 5 GB more"
}

choose_torch
mkdir -p "$(dirname "$folder")"
absolute=$(cd "$(dirname "$folder")" && pwd)/$(basename "$folder")
state="$torch $(cat pyproject.toml setup.py constraints.txt | cksum) $absolute"
why=
if [ -e "$folder" ]; then
    [ -e "$folder/pyvenv.cfg" ] || fail "$folder is there and is not an environment of Python: choose another, VENV=..."
    why=$(stale)
    if [ -z "$why" ] && [ "$(cat "$folder/.installed" 2>/dev/null)" = "$state" ]; then
        exit 0
    fi
fi

other=$(cat "$folder/.installing" 2>/dev/null || true)
if [ -n "$other" ] && kill -0 "$other" 2>/dev/null; then
    fail "$folder is being installed by another process ($other)"
fi
choose_python
choose_installer
if [ -n "$why" ]; then
    echo "$folder is made anew: $why"
    rm -rf "$folder"
fi
echo "installing into $folder ($python, $installer): takes 2 to 10 minutes" \
    "and $([ "$torch" = cpu ] && echo 3 || echo 8) GB of disk"
[ -e "$folder" ] || make_environment
echo $$ >"$folder/.installing"
if [ "$torch" = cpu ] && [ "$(uname)" = Linux ]; then
    install_cpu_torch
fi
install --editable '.[dev]' || fail "the installation failed, see above; the same command tries again"
echo "$state" >"$folder/.installed"
rm "$folder/.installing"
echo "installed; now: source $folder/bin/activate"
