// Our addresses to the sockets API's and back, and descriptors that close themselves.
#include "catch.h"
#include "system/descriptor.h"
#include "system/socket_address.h"

#include <fcntl.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/un.h>
#include <utility>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file

TEST_CASE("an address survives the way to the sockets API and back", "[system][socket]") {
  for (const auto* const text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1"}) {
    CAPTURE(text);
    const auto address = *IpAddress::parse(text);
    const auto made = socket_address(address, 53);
    CHECK(address_of(made.get()) == address);
    CHECK(address_of(made.storage) == address);
  }
}

TEST_CASE("the sockets API reads the address and port that were meant", "[system][socket]") {
  const auto v4 = socket_address(*IpAddress::parse("192.0.2.1"), 5300);
  sockaddr_in read4{};
  REQUIRE(v4.size == sizeof read4);
  std::memcpy(&read4, v4.get(), sizeof read4);
  CHECK(read4.sin_family == AF_INET);
  CHECK(ntohs(read4.sin_port) == 5300);
  CHECK(ntohl(read4.sin_addr.s_addr) == 0xC0000201);

  const auto v6 = socket_address(*IpAddress::parse("2001:db8::1"), 5300);
  sockaddr_in6 read6{};
  REQUIRE(v6.size == sizeof read6);
  std::memcpy(&read6, v6.get(), sizeof read6);
  char text[INET6_ADDRSTRLEN];
  REQUIRE(inet_ntop(AF_INET6, &read6.sin6_addr, text, sizeof text) != nullptr);
  CHECK(read6.sin6_family == AF_INET6);
  CHECK(ntohs(read6.sin6_port) == 5300);
  CHECK(std::string(text) == "2001:db8::1");
}

TEST_CASE("an endpoint is written as in the config", "[system][socket]") {
  CHECK(endpoint_text("192.0.2.1", 53) == "192.0.2.1:53");
  CHECK(endpoint_text("2001:db8::1", 5300) == "[2001:db8::1]:5300");
}

TEST_CASE("an IPv4 client of an IPv6 socket is the IPv4 address", "[system][socket]") {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  REQUIRE(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr) == 1);
  sockaddr_storage storage{};
  std::memcpy(&storage, &mapped, sizeof mapped);
  CHECK(address_of(storage) == *IpAddress::parse("192.0.2.1"));
}

TEST_CASE("a socket address of another family, or none, gives no address", "[system][socket]") {
  CHECK_FALSE(address_of(nullptr));
  sockaddr_storage storage{};
  CHECK_FALSE(address_of(storage));
  storage.ss_family = AF_UNIX;
  CHECK_FALSE(address_of(storage));
}

TEST_CASE("a descriptor is closed once, by its last owner", "[system][descriptor]") {
  const auto is_open = [](int fd) { return fcntl(fd, F_GETFD) != -1; };
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  {
    Descriptor first(ends[0]);
    Descriptor second(std::move(first));
    CHECK(second.get() == ends[0]);
    second = Descriptor(ends[1]);
    CHECK_FALSE(is_open(ends[0]));
    CHECK(is_open(ends[1]));
    CHECK(second.is_open());
    const int released = second.release();
    CHECK(released == ends[1]);
    CHECK_FALSE(second.is_open());
  }
  CHECK(is_open(ends[1]));
  Descriptor last(ends[1]);
  last.close();
  CHECK_FALSE(is_open(ends[1]));
}
