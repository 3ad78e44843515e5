# Integration tests: plain python3 unittest files that run the real programs on loopback (harness.py).
#
#   blowback_integration_test(main_job_flow 120 asan tsan)      # tests/integration/main_job_flow.py, at most 120 seconds
#
# What may follow the limit:
#   asan, tsan   the builds with these sanitizers run it as well; docs/decisions.md says which tests that is good for. The build without runs all.
#   busy         it computes all the time. Others mostly wait for daemons, and several of them run at once on a core (tests/run.sh).
#   alone        nothing runs beside it, without a sanitizer: it measures how soon something happens
#
# Busy tests start first, then those with the longest limits. Sanitizers slow everything down; BLOWBACK_TEST_PATIENCE multiplies the time limits.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(BLOWBACK_TEST_PATIENCE 1)
set(BLOWBACK_TEST_STRETCH 1)
if(BLOWBACK_SANITIZE)
  set(BLOWBACK_TEST_PATIENCE 5)
  set(BLOWBACK_TEST_STRETCH 3)
endif()
set(BLOWBACK_TEST_OPTIONS)
if(BLOWBACK_SANITIZE MATCHES "thread")
  # ThreadSanitizer matches suppressions by name, so it needs the symbolizer of clang.
  find_program(BLOWBACK_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer REQUIRED)
  set(BLOWBACK_TEST_OPTIONS
    ";TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.suppressions external_symbolizer_path=${BLOWBACK_SYMBOLIZER}")
endif()

function(blowback_integration_test name seconds)
  cmake_parse_arguments(TEST "asan;tsan;busy;alone" "" "" ${ARGN})
  if(TEST_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${name}: ${TEST_UNPARSED_ARGUMENTS}")
  endif()
  if(BLOWBACK_SANITIZE AND NOT (TEST_asan AND BLOWBACK_SANITIZE MATCHES "address") AND NOT (TEST_tsan AND BLOWBACK_SANITIZE MATCHES "thread"))
    return()
  endif()
  if(BLOWBACK_SANITIZE)
    set(TEST_alone FALSE)  # its limits are five times as long
  endif()
  math(EXPR limit "${seconds} * ${BLOWBACK_TEST_STRETCH}")
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${name}.py)
  set_tests_properties(${name} PROPERTIES
    LABELS integration TIMEOUT ${limit} COST ${seconds} RUN_SERIAL ${TEST_alone} SKIP_RETURN_CODE 77
    ENVIRONMENT "BLOWBACK_BIN=${CMAKE_BINARY_DIR}/bin;BLOWBACK_TEST_PATIENCE=${BLOWBACK_TEST_PATIENCE};PYTHONDONTWRITEBYTECODE=1${BLOWBACK_TEST_OPTIONS}")
  if(TEST_tsan)
    set_property(TEST ${name} APPEND PROPERTY LABELS threads)
  endif()
  if(TEST_busy)
    blowback_busy_test(${name} ${seconds})
  endif()
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/main_job.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/smtp_listener.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/fairness.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mta.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/milter.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/server.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/cli.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/web.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/judge.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/watching.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mishaps.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/mishaps_files.cmake)

add_dependencies(threads blowback-server blowback-ingest)

# Rules that no compiler checks: includes, clocks, libraries.
add_test(NAME house COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/house.py)
set_tests_properties(house PROPERTIES LABELS house TIMEOUT 60)
add_test(NAME commit_message COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/commit_message.py)
set_tests_properties(commit_message PROPERTIES LABELS house TIMEOUT 60)
