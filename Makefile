# `make help` lists the targets. Everything runs inside .venv, which the first target that needs it creates.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Packages are compiled once, at installation: TensorFlow and TFX take half as long to import then.
VENV := .venv
PYTHON := $(VENV)/bin/python
# uv from the PATH where there is one; otherwise a private copy in .tools, installed from the package registry.
UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
# Tests in so many processes at once, each with whole files, the most expensive first (tests/conftest.py).
WORKERS := 2
PYTEST := $(PYTHON) -m pytest
PARALLEL := $(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder
COMPILE := $(UV) pip compile --quiet --generate-hashes --no-header --python-version 3.10 pyproject.toml

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.tools/bin/uv:
	python3 -m venv .tools || { echo "uv is not on the PATH and python3 has no venv module: install uv, or Debian's python3-venv" >&2; exit 2; }
	.tools/bin/pip install --quiet uv==$(UV_VERSION)

$(VENV)/run-time: requirements.txt .python-version | $(filter .tools/bin/uv,$(UV))
	test -x $(PYTHON) || $(UV) venv --quiet $(VENV)
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements.txt
	touch $@

# Apart from the environment: tests/schemas/__init__.py says why.
SCHEMAS := tests/schemas/requirements
$(VENV)/development: requirements-dev.txt $(SCHEMAS).txt $(VENV)/run-time
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-dev.txt
	$(UV) pip install --quiet --python $(PYTHON) --target $(VENV)/schemas --no-deps --require-hashes -r $(SCHEMAS).txt
	touch $@

# A current SDK of Kubeflow Pipelines, which reads what is compiled: its protobuf is not that of TFX.
SPEC := tests/kubeflow/spec/requirements
.venv-spec/ready: $(SPEC).txt .python-version | $(filter .tools/bin/uv,$(UV))
	rm -rf .venv-spec
	$(UV) venv --quiet .venv-spec
	$(UV) pip install --quiet --python .venv-spec/bin/python --require-hashes -r $(SPEC).txt
	touch $@

# The server's protobuf is not that of TFX. The tests add clients that others have written.
CLIENTS := tests/server/requirements
.venv-server/ready: server/requirements.txt .python-version | $(filter .tools/bin/uv,$(UV))
	rm -rf .venv-server
	$(UV) venv --quiet .venv-server
	$(UV) pip install --quiet --compile-bytecode --python .venv-server/bin/python --require-hashes -r server/requirements.txt
	touch $@

.venv-server/clients: $(CLIENTS).txt .venv-server/ready
	$(UV) pip install --quiet --python .venv-server/bin/python --require-hashes -r $(CLIENTS).txt
	touch $@

# Apart from the environment, as only few users and few tests need it; on PYTHONPATH beside it.
RAY := tests/launchers/ray/requirements
.venv-ray/ready: $(RAY).txt $(VENV)/run-time
	rm -rf .venv-ray
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --target .venv-ray --no-deps --require-hashes -r $(RAY).txt
	touch $@

# Apart from the environment for the same reason.
SPARK := tests/components/mapping/requirements
.venv-spark/ready: $(SPARK).txt $(VENV)/run-time
	rm -rf .venv-spark
	$(UV) pip install --quiet --python $(PYTHON) --target .venv-spark --no-deps --require-hashes -r $(SPARK).txt
	touch $@

# Flink's jars and scripts, which Java alone reads. The Python in these packages wants another Beam than ours.
.venv-flink/ready: requirements-flink.txt $(VENV)/run-time
	rm -rf .venv-flink
	$(UV) pip install --quiet --python $(PYTHON) --target .venv-flink --no-deps --require-hashes -r requirements-flink.txt
	touch $@

# LiteRT's quantizer, for benchmarks/quantizers: its protobuf is not that of TFX.
QUANTIZER := benchmarks/quantizers/requirements
.venv-quantizer/ready: $(QUANTIZER).txt .python-version | $(filter .tools/bin/uv,$(UV))
	rm -rf .venv-quantizer
	$(UV) venv --quiet .venv-quantizer
	$(UV) pip install --quiet --python .venv-quantizer/bin/python --require-hashes -r $(QUANTIZER).txt
	touch $@

# Triton wants another NumPy than the server. Its backend must be built for the Python of this environment.
TRITON := benchmarks/serving/requirements
.venv-triton/ready: $(TRITON).txt .python-version | $(filter .tools/bin/uv,$(UV))
	rm -rf .venv-triton
	$(UV) venv --quiet .venv-triton
	$(UV) pip install --quiet --compile-bytecode --python .venv-triton/bin/python --require-hashes -r $(TRITON).txt
	touch $@

.PHONY: install
install: $(VENV)/run-time ## create .venv from the hash-locked requirements.txt

.PHONY: install-gpu
install-gpu: $(VENV)/run-time ## add to .venv the libraries of CUDA that TensorFlow needs for GPUs
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-gpu.txt

.PHONY: install-languages
install-languages: $(VENV)/run-time ## add to .venv the translations that the task `languages` learns from
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-languages.txt

# Built for the TensorFlow of .venv, and again when that changes, with Gloo and without MPI: 3 minutes of a core. Needs
# g++, make and cmake.
HOROVOD_BUILD := HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
	HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 HOROVOD_CPU_OPERATIONS=GLOO MAKEFLAGS=-j$(WORKERS)
.PHONY: install-horovod
install-horovod: $(VENV)/horovod ## build Horovod into .venv, for strategy.name=horovod
$(VENV)/horovod: requirements-horovod.txt $(VENV)/run-time
	@for tool in g++ make cmake; do command -v $$tool > /dev/null || \
		{ echo "Horovod is built by g++, make and cmake, and there is no $$tool on the PATH: install it" >&2; exit 2; }; done
	$(HOROVOD_BUILD) $(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --no-build-isolation-package horovod \
		--reinstall-package horovod --require-hashes -r requirements-horovod.txt
	touch $@

.PHONY: install-ray
install-ray: $(VENV)/run-time ## add to .venv what trains on the nodes of a Ray cluster
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-ray.txt

.PHONY: install-dask
install-dask: $(VENV)/run-time ## add to .venv what scores on the workers of a Dask cluster
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-dask.txt

.PHONY: install-spark
install-spark: $(VENV)/run-time ## add to .venv what scores on the executors of a Spark cluster (needs Java)
	$(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements-spark.txt

.PHONY: install-flink
install-flink: .venv-flink/ready ## create .venv-flink, from which `engine start flink` starts a cluster (needs Java)

.PHONY: install-server
install-server: .venv-server/ready ## create .venv-server, the environment of `serve`

.PHONY: install-quantizer
install-quantizer: .venv-quantizer/ready ## create .venv-quantizer, which benchmarks/quantizers compares with TensorFlow's converter

.PHONY: install-triton
install-triton: .venv-triton/ready ## create .venv-triton, the server that benchmarks/serving compares with

.PHONY: run
run: $(VENV)/run-time ## train, distil, judge and ship the built-in digits task into runs/digits
	$(PYTHON) pipeline.py run --task digits --root runs/digits

.PHONY: test
test: $(VENV)/development ## the tests a newcomer runs: 7 to 12 minutes on 2 cores
	$(PARALLEL) -m "not long and not release"

# Horovod is built where it can be, and Spark and Flink need Java: their tests are left out elsewhere.
.PHONY: test-long
test-long: $(VENV)/development .venv-spec/ready .venv-server/clients .venv-ray/ready $(and $(shell command -v cmake),$(shell command -v g++),$(VENV)/horovod) $(and $(shell command -v java),.venv-spark/ready .venv-flink/ready) ## further tests, such as whole runs: at most 60 minutes
	$(PARALLEL) -m "long and not alone and not release"
	$(PYTEST) -m "long and alone"

.PHONY: test-release
test-release: test-long ## and those that a release must pass, too: further examples, variations and benchmarks
	$(PARALLEL) -m "release and not alone"
	$(PYTEST) -m "release and alone"

.PHONY: test-fast
test-fast: $(VENV)/development ## only the tests that start no further process
	$(PARALLEL) -m "not long and not release and not pipeline and not processes"

.PHONY: soak
soak: $(VENV)/development ## the property tests on many new examples, other ones in every run
	$(PARALLEL) -m hypothesis --hypothesis-profile soak

# `go install` refuses this module, whose go.mod excludes versions of others.
PRISM_VERSION := 2.73.0
PRISM := github.com/apache/beam/sdks/v2/go/cmd/prism
.PHONY: prism
prism: .tools/prism ## build Beam's portable runner in Go, for the test of another engine (needs Go)
.tools/prism:
	@command -v go > /dev/null || { echo "Prism is built by Go, and there is no go on the PATH: install it" >&2; exit 2; }
	mkdir -p .tools
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cd "$$folder" && go mod init prism && \
		go get $(PRISM)@v$(PRISM_VERSION) && go build -o "$(CURDIR)/$@" $(PRISM)

.PHONY: browser
browser: ## install Chromium (Debian, as root), which the test of the report's page opens it with
	@command -v chromium || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; }

.PHONY: lint
lint: $(VENV)/development ## ruff, mypy and the import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	PYTHONPATH=. $(VENV)/bin/lint-imports

.PHONY: check
check: lint test-fast ## lint and the fast tests: run before every commit

.PHONY: format
format: $(VENV)/development ## let ruff rewrite the sources
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: docs
docs: $(VENV)/run-time ## write the generated parts of the documentation
	$(PYTHON) -m docs.generate

# The image of the steps on a cluster, and the folder of a task of yours in it. GPU=1 adds the libraries of CUDA, and
# LANGUAGES=1 the translations that the task `languages` learns from.
BUILDER := docker
IMAGE := limbeck:latest
TASK :=
GPU :=
LANGUAGES :=
REQUIREMENTS := $(if $(GPU),requirements-gpu.txt,$(if $(LANGUAGES),requirements-languages.txt))

.PHONY: image
image: ## build the container image: IMAGE=registry.example/limbeck:1 TASK=path/to/folder GPU=1
	@test -z "$(TASK)" || test -d "$(TASK)" || { echo "TASK must be a folder, received $(TASK)" >&2; exit 2; }
	@test -z "$(and $(GPU),$(LANGUAGES))" || { echo "an image has the packages of one lock: give GPU=1 or LANGUAGES=1" >&2; exit 2; }
	$(BUILDER) build --file kubeflow/Dockerfile --tag $(IMAGE) $(if $(REQUIREMENTS),--build-arg REQUIREMENTS=$(REQUIREMENTS)) $(if $(BASE),--build-arg BASE=$(BASE)) .
ifneq ($(TASK),)
	$(BUILDER) build --file kubeflow/task.Dockerfile --tag $(IMAGE) --build-arg IMAGE=$(IMAGE) --build-arg FOLDER="$(realpath $(TASK))" "$(realpath $(TASK))"
endif

.PHONY: lock
lock: | $(filter .tools/bin/uv,$(UV)) ## pin every dependency with its hashes again
	$(COMPILE) -o requirements.txt
	$(COMPILE) --extra dev --extra languages --extra dask -c requirements.txt -o requirements-dev.txt
	$(COMPILE) --extra gpu -c requirements.txt -o requirements-gpu.txt
	$(COMPILE) --extra languages -c requirements.txt -o requirements-languages.txt
	$(COMPILE) --extra horovod -c requirements.txt -o requirements-horovod.txt
	$(COMPILE) --extra ray -c requirements.txt -o requirements-ray.txt
	$(COMPILE) --extra dask -c requirements.txt -o requirements-dask.txt
	$(COMPILE) --extra spark -c requirements.txt -o requirements-spark.txt
	$(UV) pip compile --quiet --no-deps --generate-hashes --no-header --python-version 3.10 requirements-flink.in -o requirements-flink.txt
	$(UV) pip compile --quiet --no-deps --generate-hashes --no-header --python-version 3.10 $(SPARK).in -c requirements-spark.txt -o $(SPARK).txt
	$(UV) pip compile --quiet --no-deps --generate-hashes --no-header --python-version 3.10 $(RAY).in -c requirements-ray.txt -o $(RAY).txt
	$(UV) pip compile --quiet --generate-hashes --no-header --python-version 3.10 $(SPEC).in -o $(SPEC).txt
	$(UV) pip compile --quiet --generate-hashes --no-header --python-version 3.10 server/requirements.in $(CLIENTS).in -o $(CLIENTS).txt
	$(UV) pip compile --quiet --generate-hashes --no-header --python-version 3.10 server/requirements.in -c $(CLIENTS).txt -o server/requirements.txt
	$(UV) pip compile --quiet --generate-hashes --no-header --python-version 3.10 $(TRITON).in -o $(TRITON).txt
	$(UV) pip compile --quiet --no-deps --generate-hashes --no-header --python-version 3.10 $(SCHEMAS).in -o $(SCHEMAS).txt
	$(UV) pip compile --quiet --generate-hashes --no-header --python-version 3.10 $(QUANTIZER).in -o $(QUANTIZER).txt

.PHONY: clean
clean: ## remove the environment and the runs
	rm -rf $(VENV) .venv-spec .venv-server .venv-ray .venv-spark .venv-flink .venv-quantizer .venv-triton .tools runs
