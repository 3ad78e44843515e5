# Measures how long wide decisions make other writers wait.
add_executable(store_waits ${CMAKE_CURRENT_LIST_DIR}/store_waits.cc)
target_link_libraries(store_waits PRIVATE blowback::schema blowback::score blowback::core blowback::fmt blowback::warnings)
