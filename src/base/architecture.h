/* base/architecture.h - what seccomp calls the architecture that this is compiled for (linux/audit.h). */
#ifndef CUDDY_BASE_ARCHITECTURE_H
#define CUDDY_BASE_ARCHITECTURE_H

#include <linux/audit.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCH AUDIT_ARCH_RISCV64
#elif defined(__i386__)
#define OWN_ARCH AUDIT_ARCH_I386
#elif defined(__arm__)
#define OWN_ARCH AUDIT_ARCH_ARM
#else
#error "which architecture do system calls have here?"
#endif

#endif
