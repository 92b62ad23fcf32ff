# How targets are made: one library per folder, its unit tests beside it, warnings as errors.
#
#   tailrace_library(name SOURCES ... PUBLIC ... PRIVATE ... TESTS ...)   target tailrace_<name>, alias tailrace::<name>
#   tailrace_program(name SOURCES ... PRIVATE ...)                        an executable in the build folder's root
#   tailrace_test(name LEVEL <unit|contract|integration|e2e|fault> SOURCES ... PRIVATE ... [EVERY_DRIVER] [SHARDS n]
#                 [COST seconds])
#
# EVERY_DRIVER: further runs of the test as <name>_odbc and <name>_microsoft, with FreeTDS' and Microsoft's ODBC drivers
# between tailrace and SQL Server instead of tailrace's own.
# SHARDS: so many CTest entries, <name>_shard1 and so on, each with its share of the cases: the parts of a long test
# run beside each other. COST: what it takes, roughly; CTest starts the longest first, so that no core waits at the end.
#
# PUBLIC means "in our headers". Every test carries its level as a CTest label.
#
# All presets but debug compile the files of a target in groups (CMAKE_UNITY_BUILD), which halves a full build: most of
# a file's cost is its headers. So names in anonymous namespaces are unique within a target.

# The tests that have threads in them: they also run under the thread sanitizer (make test).
set(TAILRACE_CONCURRENT_TESTS base_test net_test registry_test pipeline_test postgres_sink_test sqlserver_driver_test sqlserver_source_test
                              app_test sim_tds_test sim_storage_test sim_cdc_test)

function(tailrace_target_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
                                           -fno-omit-frame-pointer)
  # "base/error.h" in src/, "sim/storage/value.h" in the simulator.
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  if(TAILRACE_LIBFUZZER)
    target_compile_options(${target} PRIVATE -w)  # Another compiler's warnings; those of the build's are errors elsewhere.
  elseif(CMAKE_UNITY_BUILD)
    # The warning takes the group for a header; no type of a .cpp is another file's business.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(${target} PRIVATE -g1)
  endif()
  if(TAILRACE_SANITIZE)
    # Half of what the tests under sanitizers cost is compiling them; threads need some speed to meet.
    set(level -O0)
    if(TAILRACE_SANITIZE STREQUAL "thread")
      set(level -O1)
    endif()
    target_compile_options(${target} PRIVATE -fsanitize=${TAILRACE_SANITIZE} -fno-sanitize-recover=all ${level} -g1)
    target_link_options(${target} PUBLIC -fsanitize=${TAILRACE_SANITIZE})
    if(TAILRACE_LIBFUZZER)
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link -O1)
    endif()
  endif()
endfunction()

execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/setup --microsoft-odbc OUTPUT_VARIABLE TAILRACE_MICROSOFT_ODBC
                OUTPUT_STRIP_TRAILING_WHITESPACE)

# One CTest entry, or one for each shard. All write a report of their own into reports/<level> of the build folder: two
# entries may run the same executable at the same time.
function(tailrace_add_runs name shards)
  cmake_parse_arguments(ARG "" "TIMEOUT;COST;WORKING_DIRECTORY" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
  list(GET ARG_LABELS 0 level)
  if(NOT shards)
    set(shards 1)
  endif()
  if(NOT ARG_WORKING_DIRECTORY)
    set(ARG_WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  math(EXPR last "${shards} - 1")
  foreach(index RANGE ${last})
    set(run ${name})
    set(environment ${ARG_ENVIRONMENT})
    if(shards GREATER 1)
      math(EXPR number "${index} + 1")
      set(run ${name}_shard${number})
      list(APPEND environment GTEST_TOTAL_SHARDS=${shards} GTEST_SHARD_INDEX=${index})
    endif()
    list(APPEND environment "GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/reports/${level}/${run}.xml")
    add_test(NAME ${run} COMMAND ${ARG_COMMAND} WORKING_DIRECTORY "${ARG_WORKING_DIRECTORY}")
    set_tests_properties(${run} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "${environment}")
    if(ARG_COST)
      set_tests_properties(${run} PROPERTIES COST ${ARG_COST})
    endif()
  endforeach()
endfunction()

set(TAILRACE_FREETDS_ODBC /usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so)

function(tailrace_test name)
  cmake_parse_arguments(ARG "EVERY_DRIVER" "LEVEL;SHARDS;COST" "SOURCES;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  tailrace_target_options(${name})
  target_compile_options(${name} PRIVATE -O0)  # Compiling a test takes longer than running it.
  target_link_libraries(${name} PRIVATE ${ARG_PRIVATE} GTest::gmock GTest::gtest_main)
  set(labels ${ARG_LEVEL})
  if(name IN_LIST TAILRACE_CONCURRENT_TESTS)
    list(APPEND labels concurrent)
  endif()
  tailrace_add_runs(${name} "${ARG_SHARDS}" COMMAND ${name}
                    LABELS ${labels} TIMEOUT 600 COST "${ARG_COST}")
  # Under sanitizers the short tests alone.
  if(ARG_EVERY_DRIVER AND NOT (TAILRACE_SANITIZE AND ARG_SHARDS))
    tailrace_add_runs(${name}_odbc "${ARG_SHARDS}" COMMAND ${name}
                      LABELS ${labels} TIMEOUT 600 COST "${ARG_COST}"
                      ENVIRONMENT "TAILRACE_TEST_DRIVER=${TAILRACE_FREETDS_ODBC}")
  endif()
  # Not under sanitizers: they would judge a library that is not ours.
  if(ARG_EVERY_DRIVER AND NOT TAILRACE_SANITIZE)
    tailrace_add_runs(${name}_microsoft "${ARG_SHARDS}" COMMAND ${name}
                      LABELS ${ARG_LEVEL} TIMEOUT 600 COST "${ARG_COST}"
                      ENVIRONMENT "TAILRACE_TEST_DRIVER=${TAILRACE_MICROSOFT_ODBC}")
  endif()
endfunction()

function(tailrace_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE;TESTS" ${ARGN})
  add_library(tailrace_${name} STATIC ${ARG_SOURCES})
  add_library(tailrace::${name} ALIAS tailrace_${name})
  tailrace_target_options(tailrace_${name})
  target_link_libraries(tailrace_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(ARG_TESTS)
    tailrace_test(${name}_test LEVEL unit SOURCES ${ARG_TESTS} PRIVATE tailrace_${name} ${ARG_PRIVATE})
  endif()
endfunction()

function(tailrace_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  tailrace_target_options(${name})
  target_link_libraries(${name} PRIVATE ${ARG_PRIVATE})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

# tailrace_python_test(name LEVEL ... MODULES a.b.c ... [MICROSOFT] [TIMEOUT seconds] [SHARDS n] [COST seconds])
#
# unittest modules of this tree, run by the Python environment of tools/setup; not under sanitizers (they drive the
# finished programs).
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/setup --venv OUTPUT_VARIABLE TAILRACE_VENV
                OUTPUT_STRIP_TRAILING_WHITESPACE)
function(tailrace_python_test name)
  if(TAILRACE_SANITIZE)
    return()
  endif()
  cmake_parse_arguments(ARG "MICROSOFT" "LEVEL;TIMEOUT;SHARDS;COST" "MODULES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  set(runs ${name})
  if(ARG_MICROSOFT)
    list(APPEND runs ${name}_microsoft)
  endif()
  foreach(run ${runs})
    set(environment "TAILRACE_BUILD=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
    if(NOT run STREQUAL name)
      list(APPEND environment "TAILRACE_TEST_DRIVER=${TAILRACE_MICROSOFT_ODBC}")
    endif()
    tailrace_add_runs(${run} "${ARG_SHARDS}"
                      COMMAND ${TAILRACE_VENV}/bin/python -m tests.support.run_unittest ${ARG_MODULES}
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} LABELS ${ARG_LEVEL} TIMEOUT ${ARG_TIMEOUT}
                      COST "${ARG_COST}" ENVIRONMENT ${environment})
  endforeach()
endfunction()
