// processes.cpp: the processes of the end-to-end tests, for these tests too.
// SPDX-License-Identifier: MIT
#include "e2e/process.cpp"  // the same code: this is another program
