# How well and how fast the judge judges; fed with any folder of messages.
add_executable(judge_quality ${CMAKE_CURRENT_LIST_DIR}/judge_quality.cc)
target_link_libraries(judge_quality PRIVATE blowback::detect blowback::mail blowback::fmt blowback::warnings)
