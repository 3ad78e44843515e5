# A room: one static library. Its doors (public headers) are visible to targets that link it, and to no others.
#
#   blowback_room(detect
#     DOORS judge.h                      # seen by others as "detect/judge.h"
#     SOURCES judge.cc signature_set.cc
#     SHOWS core mail                    # rooms whose types appear in the public headers
#     USES blowback::re2)                # all other rooms and libraries
#
# Symbolic links to the public headers are made in a folder of the build tree that contains nothing else, and that folder is the include root.
# So including a private header, or a public header of a room that isn't linked, doesn't compile. Each public header is also compiled alone,
# unless BLOWBACK_HEADERS_ALONE is off.
function(blowback_room name)
  cmake_parse_arguments(ROOM "" "PREFIX" "DOORS;SOURCES;SHOWS;USES" ${ARGN})
  if(NOT ROOM_PREFIX)
    set(ROOM_PREFIX ${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY BLOWBACK_ROOMS ${name})  # for tests/CMakeLists.txt
  set(root ${CMAKE_BINARY_DIR}/doors/${name})
  file(MAKE_DIRECTORY ${root}/${ROOM_PREFIX})
  set(alone)
  foreach(door IN LISTS ROOM_DOORS)
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${door} ${root}/${ROOM_PREFIX}/${door} SYMBOLIC)
    string(MAKE_C_IDENTIFIER ${door} id)
    if(BLOWBACK_HEADERS_ALONE)
      set(unit ${CMAKE_BINARY_DIR}/doors-alone/${name}_${id}.cc)
      file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${ROOM_PREFIX}/${door}\"\n")
      list(APPEND alone ${unit})
    endif()
  endforeach()
  add_library(blowback_${name} STATIC ${ROOM_SOURCES} ${alone})
  add_library(blowback::${name} ALIAS blowback_${name})
  if(alone)
    set_source_files_properties(${alone} PROPERTIES SKIP_LINTING ON)
  endif()
  target_include_directories(blowback_${name} PUBLIC ${root})
  list(TRANSFORM ROOM_SHOWS PREPEND blowback::)
  target_link_libraries(blowback_${name} PUBLIC ${ROOM_SHOWS} PRIVATE ${ROOM_USES} blowback::warnings)
  if(BLOWBACK_PRECOMPILED)
    target_precompile_headers(blowback_${name} REUSE_FROM precompiled_rooms)
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

# A program of Catch2 test cases: one CTest test, with the label unit. `ctest -R` selects programs; to select a test case, run the program itself.
function(blowback_unit_tests name)
  cmake_parse_arguments(TESTS "" "" "SOURCES;USES" ${ARGN})
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
  set(limit 300)
  if(BLOWBACK_SANITIZE)
    set(limit 900)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${limit})
endfunction()
