// Catch2's main, compiled once for all unit test programs.
#include "in_tree.h"

#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

std::filesystem::path blowback::test::in_tree(std::string_view name) {
  return std::filesystem::path(BLOWBACK_SOURCE_TREE) / name;
}
