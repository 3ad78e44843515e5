# Measures the cost of cookies, rate limit and access list.
add_executable(guards ${CMAKE_CURRENT_LIST_DIR}/guards.cc)
target_link_libraries(guards PRIVATE blowback::answer blowback::config blowback::core blowback::sodium blowback::crypto blowback::fmt
                                     blowback::warnings)
