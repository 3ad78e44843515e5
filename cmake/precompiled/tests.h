// What most unit tests include; see cmake/Precompiled.cmake.
#pragma once

#include "../../tests/unit/catch.h"
#include "rooms.h"

#include <nlohmann/json.hpp>
