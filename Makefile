# The entry to building, trying and testing Barchan. All the work is Maven's and that of the scripts in build/; this file only
# says in which order.

.DEFAULT_GOAL := help
.PHONY: help setup build run test bench soak format
.NOTPARALLEL:

# Finds a JDK of its own for each use, so that `make setup` may be what installs it.
MVN = JAVA_HOME=$$(bin/find-java) && export JAVA_HOME && ./mvnw -B

help: ## List the targets (the default)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building, running and testing need and this machine lacks
	@build/setup test

build: ## Build everything without testing it
	@build/setup run
	@$(MVN) -q package -DskipTests

run: build ## Build, then run commands in a virtual machine and print what they say
	@build/demonstrate

test: setup ## Build and run all tests, those in virtual machines too
	@$(MVN) verify

bench: build ## Build, then measure and print a table of figures
	@build/bench

soak: build ## Build, then start many sandboxes, ten thousand commands in one, do a thousand things wrong under kept ones, and run random commands for half an hour, or MINUTES=5: what breaks, what is left?
	@build/soak starts
	@build/soak execs
	@build/soak faults 1000
	@build/soak $(MINUTES)

format: ## Format the sources
	@$(MVN) -q spotless:apply
