#include "daemon/signals.h"

#include <unistd.h>

#include <csignal>
#include <sys/signalfd.h>

namespace blowback::daemon {

Signals::Signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, number);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  descriptor_ = Descriptor(signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
}

record::Request Signals::next() const {
  signalfd_siginfo info{};
  if (read(fd(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return record::Request::none;
  return info.ssi_signo == SIGHUP ? record::Request::reload : record::Request::stop;
}

}  // namespace blowback::daemon
