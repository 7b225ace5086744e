# What a process executes instead of its vDSO's clocks: the system call, and then a bent result.
# `nemesis/host/clock_hook.py` holds the machine code; a test assembles this and compares.
#
#   as --64 -o hook.o nemesis/host/clock_hook.S && objcopy -O binary -j .text hook.o hook.bin
#
# bent = t + offset + ((t - since) * slope >> 32), never below 0. Each clock has two slots of
# (offset, since, slope) and a word that says how far into them the one that counts lies: 0 or 24.
# Whoever changes a clock writes the other slot, and then that word.
.intel_syntax noprefix
.text
wall:
    .quad 0
    .quad 0, 0, 0
    .quad 0, 0, 0
monotonic:
    .quad 0
    .quad 0, 0, 0
    .quad 0, 0, 0

clock_gettime:                      # (edi: which clock, rsi: a timespec)
    mov eax, 228
    syscall
    test eax, eax
    jnz 2f
    mov ecx, edi
    cmp ecx, 11
    ja 2f
    mov edx, 1
    shl edx, cl
    lea r8, [rip + wall]
    test edx, 0x821                 # REALTIME 0, REALTIME_COARSE 5, TAI 11
    jnz 1f
    add r8, 56
    test edx, 0xd2                  # MONOTONIC 1, _RAW 4, _COARSE 6, BOOTTIME 7
    jz 2f                           # the clocks of processes and threads are left alone
1:  mov rax, [rsi]
    imul rax, rax, 1000000000
    add rax, [rsi + 8]
    call bend
    xor edx, edx
    mov ecx, 1000000000
    div rcx
    mov [rsi], rax
    mov [rsi + 8], rdx
    xor eax, eax
2:  cdqe
    ret

.balign 16
gettimeofday:                       # (rdi: a timeval or 0, rsi: a time zone or 0)
    mov eax, 96
    syscall
    test eax, eax
    jnz 3f
    test rdi, rdi
    jz 3f
    mov rax, [rdi]
    imul rax, rax, 1000000
    add rax, [rdi + 8]
    imul rax, rax, 1000
    lea r8, [rip + wall]
    call bend
    xor edx, edx
    mov ecx, 1000
    div rcx
    xor edx, edx
    mov ecx, 1000000
    div rcx
    mov [rdi], rax
    mov [rdi + 8], rdx
    xor eax, eax
3:  cdqe
    ret

.balign 16
time:                               # (rdi: where to put it as well, or 0)
    push rdi
    sub rsp, 16
    xor edi, edi
    mov rsi, rsp
    call clock_gettime
    mov rax, [rsp]
    add rsp, 16
    pop rdi
    test rdi, rdi
    jz 4f
    mov [rdi], rax
4:  ret

.balign 16
bend:                               # (rax: nanoseconds, r8: a clock's slots) -> rax
    mov r9, [r8]
    lea r9, [r8 + r9 + 8]
    mov r10, rax
    sub rax, [r9 + 8]
    imul qword ptr [r9 + 16]
    shrd rax, rdx, 32
    add rax, [r9]
    add rax, r10
    jns 5f
    xor eax, eax
5:  ret
