# blowback_header_alone(OUT ROOM HEADER SOURCE...): sets OUT to a file that includes nothing but the public header, so that a missing include doesn't
# compile. There is none if the header's own source (judge.cc of judge.h) includes it first, or if BLOWBACK_HEADERS_ALONE is off.
function(blowback_header_alone out room header)
  set(${out} PARENT_SCOPE)
  get_filename_component(base ${header} NAME_WE)
  set(own)
  if(${base}.cc IN_LIST ARGN)
    file(STRINGS ${base}.cc own REGEX "^#" LIMIT_COUNT 1)
  endif()
  if(NOT BLOWBACK_HEADERS_ALONE OR own STREQUAL "#include \"${header}\"" OR own STREQUAL "#include \"${base}.h\"")
    return()
  endif()
  string(MAKE_C_IDENTIFIER ${header} id)
  set(unit ${CMAKE_BINARY_DIR}/doors-alone/${room}_${id}.cc)
  file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${header}\"\n")
  set_source_files_properties(${unit} PROPERTIES SKIP_LINTING ON)
  set(${out} ${unit} PARENT_SCOPE)
endfunction()

# A room: one static library. Its doors (public headers) are visible to targets that link it, and to no others.
#
#   blowback_room(detect
#     DOORS judge.h                      # seen by others as "detect/judge.h"
#     SOURCES judge.cc signature_set.cc
#     SHOWS core mail                    # rooms whose types appear in the public headers
#     USES blowback::re2                 # all other rooms and libraries
#     HOT)                               # optimised in builds with sanitizers as well: tests spend their time in it
#
# Symbolic links to the public headers are made in a folder of the build tree that contains nothing else, and that folder is the include root.
# So including a private header, or a public header of a room that isn't linked, doesn't compile.
function(blowback_room name)
  cmake_parse_arguments(ROOM "HOT" "PREFIX" "DOORS;SOURCES;SHOWS;USES" ${ARGN})
  if(NOT ROOM_PREFIX)
    set(ROOM_PREFIX ${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY BLOWBACK_ROOMS ${name})  # for tests/CMakeLists.txt
  set(root ${CMAKE_BINARY_DIR}/doors/${name})
  file(MAKE_DIRECTORY ${root}/${ROOM_PREFIX})
  set(alone)
  foreach(door IN LISTS ROOM_DOORS)
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${door} ${root}/${ROOM_PREFIX}/${door} SYMBOLIC)
    blowback_header_alone(unit ${name} ${ROOM_PREFIX}/${door} ${ROOM_SOURCES})
    list(APPEND alone ${unit})
  endforeach()
  add_library(blowback_${name} STATIC ${ROOM_SOURCES} ${alone})
  add_library(blowback::${name} ALIAS blowback_${name})
  target_include_directories(blowback_${name} PUBLIC ${root})
  list(TRANSFORM ROOM_SHOWS PREPEND blowback::)
  target_link_libraries(blowback_${name} PUBLIC ${ROOM_SHOWS} PRIVATE ${ROOM_USES} blowback::warnings)
  set(precompiled precompiled_rooms)
  if(ROOM_HOT)
    target_compile_options(blowback_${name} PRIVATE ${BLOWBACK_HOT_OPTIONS})
    set(precompiled precompiled_hot_rooms)
  endif()
  if(BLOWBACK_PRECOMPILED)
    target_precompile_headers(blowback_${name} REUSE_FROM ${precompiled})
  endif()
endfunction()

# A program: a short main that connects rooms.
function(blowback_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE ${PROGRAM_USES} blowback::warnings)
  # Rooms are static libraries: without this option a program would load shared libraries whose code it doesn't use (such as libseccomp).
  target_link_options(${name} PRIVATE -Wl,--as-needed)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# Lets a test that computes all the time start before those that wait, and take as many of CTest's places as tests/run.sh allows on a core.
function(blowback_busy_test name seconds)
  math(EXPR cost "1000 + ${seconds}")
  set_tests_properties(${name} PROPERTIES PROCESSORS 2 COST ${cost})
endfunction()

# A program of Catch2 test cases: one CTest test, with the label unit. THREADS: of code with threads, so that ThreadSanitizer runs it, too (the
# target and the label `threads`). `ctest -R` selects programs; to select a test case, run the program itself.
function(blowback_unit_tests name)
  cmake_parse_arguments(TESTS "THREADS" "" "SOURCES;USES" ${ARGN})
  if(NOT BLOWBACK_TESTS)
    return()
  endif()
  add_executable(${name} ${TESTS_SOURCES})
  target_link_libraries(${name} PRIVATE ${TESTS_USES} blowback::test_main blowback::warnings)
  target_compile_options(${name} PRIVATE ${BLOWBACK_TEST_OPTIONS})
  if(BLOWBACK_PRECOMPILED)
    target_precompile_headers(${name} REUSE_FROM precompiled_tests)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set(limit 600)
  if(BLOWBACK_SANITIZE)
    set(limit 900)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${limit})
  blowback_busy_test(${name} 0)
  if(TESTS_THREADS)
    set_property(TEST ${name} APPEND PROPERTY LABELS threads)
    add_dependencies(threads ${name})
  endif()
endfunction()
