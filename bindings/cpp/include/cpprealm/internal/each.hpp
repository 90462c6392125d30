// REALM_INTERNAL_EACH(M, cls, a, b, ...) expands M(cls, property, index) for up to 96 properties; the index counts down.
#ifndef CPPREALM_INTERNAL_EACH_HPP
#define CPPREALM_INTERNAL_EACH_HPP

#define REALM_INTERNAL_EACH_1(M, c, x) M(c, x, 0)
#define REALM_INTERNAL_EACH_2(M, c, x, ...) M(c, x, 1) REALM_INTERNAL_EACH_1(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_3(M, c, x, ...) M(c, x, 2) REALM_INTERNAL_EACH_2(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_4(M, c, x, ...) M(c, x, 3) REALM_INTERNAL_EACH_3(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_5(M, c, x, ...) M(c, x, 4) REALM_INTERNAL_EACH_4(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_6(M, c, x, ...) M(c, x, 5) REALM_INTERNAL_EACH_5(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_7(M, c, x, ...) M(c, x, 6) REALM_INTERNAL_EACH_6(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_8(M, c, x, ...) M(c, x, 7) REALM_INTERNAL_EACH_7(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_9(M, c, x, ...) M(c, x, 8) REALM_INTERNAL_EACH_8(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_10(M, c, x, ...) M(c, x, 9) REALM_INTERNAL_EACH_9(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_11(M, c, x, ...) M(c, x, 10) REALM_INTERNAL_EACH_10(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_12(M, c, x, ...) M(c, x, 11) REALM_INTERNAL_EACH_11(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_13(M, c, x, ...) M(c, x, 12) REALM_INTERNAL_EACH_12(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_14(M, c, x, ...) M(c, x, 13) REALM_INTERNAL_EACH_13(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_15(M, c, x, ...) M(c, x, 14) REALM_INTERNAL_EACH_14(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_16(M, c, x, ...) M(c, x, 15) REALM_INTERNAL_EACH_15(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_17(M, c, x, ...) M(c, x, 16) REALM_INTERNAL_EACH_16(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_18(M, c, x, ...) M(c, x, 17) REALM_INTERNAL_EACH_17(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_19(M, c, x, ...) M(c, x, 18) REALM_INTERNAL_EACH_18(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_20(M, c, x, ...) M(c, x, 19) REALM_INTERNAL_EACH_19(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_21(M, c, x, ...) M(c, x, 20) REALM_INTERNAL_EACH_20(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_22(M, c, x, ...) M(c, x, 21) REALM_INTERNAL_EACH_21(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_23(M, c, x, ...) M(c, x, 22) REALM_INTERNAL_EACH_22(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_24(M, c, x, ...) M(c, x, 23) REALM_INTERNAL_EACH_23(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_25(M, c, x, ...) M(c, x, 24) REALM_INTERNAL_EACH_24(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_26(M, c, x, ...) M(c, x, 25) REALM_INTERNAL_EACH_25(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_27(M, c, x, ...) M(c, x, 26) REALM_INTERNAL_EACH_26(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_28(M, c, x, ...) M(c, x, 27) REALM_INTERNAL_EACH_27(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_29(M, c, x, ...) M(c, x, 28) REALM_INTERNAL_EACH_28(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_30(M, c, x, ...) M(c, x, 29) REALM_INTERNAL_EACH_29(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_31(M, c, x, ...) M(c, x, 30) REALM_INTERNAL_EACH_30(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_32(M, c, x, ...) M(c, x, 31) REALM_INTERNAL_EACH_31(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_33(M, c, x, ...) M(c, x, 32) REALM_INTERNAL_EACH_32(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_34(M, c, x, ...) M(c, x, 33) REALM_INTERNAL_EACH_33(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_35(M, c, x, ...) M(c, x, 34) REALM_INTERNAL_EACH_34(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_36(M, c, x, ...) M(c, x, 35) REALM_INTERNAL_EACH_35(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_37(M, c, x, ...) M(c, x, 36) REALM_INTERNAL_EACH_36(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_38(M, c, x, ...) M(c, x, 37) REALM_INTERNAL_EACH_37(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_39(M, c, x, ...) M(c, x, 38) REALM_INTERNAL_EACH_38(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_40(M, c, x, ...) M(c, x, 39) REALM_INTERNAL_EACH_39(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_41(M, c, x, ...) M(c, x, 40) REALM_INTERNAL_EACH_40(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_42(M, c, x, ...) M(c, x, 41) REALM_INTERNAL_EACH_41(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_43(M, c, x, ...) M(c, x, 42) REALM_INTERNAL_EACH_42(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_44(M, c, x, ...) M(c, x, 43) REALM_INTERNAL_EACH_43(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_45(M, c, x, ...) M(c, x, 44) REALM_INTERNAL_EACH_44(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_46(M, c, x, ...) M(c, x, 45) REALM_INTERNAL_EACH_45(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_47(M, c, x, ...) M(c, x, 46) REALM_INTERNAL_EACH_46(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_48(M, c, x, ...) M(c, x, 47) REALM_INTERNAL_EACH_47(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_49(M, c, x, ...) M(c, x, 48) REALM_INTERNAL_EACH_48(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_50(M, c, x, ...) M(c, x, 49) REALM_INTERNAL_EACH_49(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_51(M, c, x, ...) M(c, x, 50) REALM_INTERNAL_EACH_50(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_52(M, c, x, ...) M(c, x, 51) REALM_INTERNAL_EACH_51(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_53(M, c, x, ...) M(c, x, 52) REALM_INTERNAL_EACH_52(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_54(M, c, x, ...) M(c, x, 53) REALM_INTERNAL_EACH_53(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_55(M, c, x, ...) M(c, x, 54) REALM_INTERNAL_EACH_54(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_56(M, c, x, ...) M(c, x, 55) REALM_INTERNAL_EACH_55(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_57(M, c, x, ...) M(c, x, 56) REALM_INTERNAL_EACH_56(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_58(M, c, x, ...) M(c, x, 57) REALM_INTERNAL_EACH_57(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_59(M, c, x, ...) M(c, x, 58) REALM_INTERNAL_EACH_58(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_60(M, c, x, ...) M(c, x, 59) REALM_INTERNAL_EACH_59(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_61(M, c, x, ...) M(c, x, 60) REALM_INTERNAL_EACH_60(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_62(M, c, x, ...) M(c, x, 61) REALM_INTERNAL_EACH_61(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_63(M, c, x, ...) M(c, x, 62) REALM_INTERNAL_EACH_62(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_64(M, c, x, ...) M(c, x, 63) REALM_INTERNAL_EACH_63(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_65(M, c, x, ...) M(c, x, 64) REALM_INTERNAL_EACH_64(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_66(M, c, x, ...) M(c, x, 65) REALM_INTERNAL_EACH_65(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_67(M, c, x, ...) M(c, x, 66) REALM_INTERNAL_EACH_66(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_68(M, c, x, ...) M(c, x, 67) REALM_INTERNAL_EACH_67(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_69(M, c, x, ...) M(c, x, 68) REALM_INTERNAL_EACH_68(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_70(M, c, x, ...) M(c, x, 69) REALM_INTERNAL_EACH_69(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_71(M, c, x, ...) M(c, x, 70) REALM_INTERNAL_EACH_70(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_72(M, c, x, ...) M(c, x, 71) REALM_INTERNAL_EACH_71(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_73(M, c, x, ...) M(c, x, 72) REALM_INTERNAL_EACH_72(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_74(M, c, x, ...) M(c, x, 73) REALM_INTERNAL_EACH_73(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_75(M, c, x, ...) M(c, x, 74) REALM_INTERNAL_EACH_74(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_76(M, c, x, ...) M(c, x, 75) REALM_INTERNAL_EACH_75(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_77(M, c, x, ...) M(c, x, 76) REALM_INTERNAL_EACH_76(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_78(M, c, x, ...) M(c, x, 77) REALM_INTERNAL_EACH_77(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_79(M, c, x, ...) M(c, x, 78) REALM_INTERNAL_EACH_78(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_80(M, c, x, ...) M(c, x, 79) REALM_INTERNAL_EACH_79(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_81(M, c, x, ...) M(c, x, 80) REALM_INTERNAL_EACH_80(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_82(M, c, x, ...) M(c, x, 81) REALM_INTERNAL_EACH_81(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_83(M, c, x, ...) M(c, x, 82) REALM_INTERNAL_EACH_82(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_84(M, c, x, ...) M(c, x, 83) REALM_INTERNAL_EACH_83(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_85(M, c, x, ...) M(c, x, 84) REALM_INTERNAL_EACH_84(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_86(M, c, x, ...) M(c, x, 85) REALM_INTERNAL_EACH_85(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_87(M, c, x, ...) M(c, x, 86) REALM_INTERNAL_EACH_86(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_88(M, c, x, ...) M(c, x, 87) REALM_INTERNAL_EACH_87(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_89(M, c, x, ...) M(c, x, 88) REALM_INTERNAL_EACH_88(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_90(M, c, x, ...) M(c, x, 89) REALM_INTERNAL_EACH_89(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_91(M, c, x, ...) M(c, x, 90) REALM_INTERNAL_EACH_90(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_92(M, c, x, ...) M(c, x, 91) REALM_INTERNAL_EACH_91(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_93(M, c, x, ...) M(c, x, 92) REALM_INTERNAL_EACH_92(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_94(M, c, x, ...) M(c, x, 93) REALM_INTERNAL_EACH_93(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_95(M, c, x, ...) M(c, x, 94) REALM_INTERNAL_EACH_94(M, c, __VA_ARGS__)
#define REALM_INTERNAL_EACH_96(M, c, x, ...) M(c, x, 95) REALM_INTERNAL_EACH_95(M, c, __VA_ARGS__)
#define REALM_INTERNAL_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, \
                            _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30,  \
                            _31, _32, _33, _34, _35, _36, _37, _38, _39, _40, _41, _42, _43, _44,  \
                            _45, _46, _47, _48, _49, _50, _51, _52, _53, _54, _55, _56, _57, _58,  \
                            _59, _60, _61, _62, _63, _64, _65, _66, _67, _68, _69, _70, _71, _72,  \
                            _73, _74, _75, _76, _77, _78, _79, _80, _81, _82, _83, _84, _85, _86,  \
                            _87, _88, _89, _90, _91, _92, _93, _94, _95, _96, name, ...)           \
    name
#define REALM_INTERNAL_EACH(M, c, ...)                                                          \
    REALM_INTERNAL_PICK(__VA_ARGS__, REALM_INTERNAL_EACH_96, REALM_INTERNAL_EACH_95,            \
                        REALM_INTERNAL_EACH_94, REALM_INTERNAL_EACH_93, REALM_INTERNAL_EACH_92, \
                        REALM_INTERNAL_EACH_91, REALM_INTERNAL_EACH_90, REALM_INTERNAL_EACH_89, \
                        REALM_INTERNAL_EACH_88, REALM_INTERNAL_EACH_87, REALM_INTERNAL_EACH_86, \
                        REALM_INTERNAL_EACH_85, REALM_INTERNAL_EACH_84, REALM_INTERNAL_EACH_83, \
                        REALM_INTERNAL_EACH_82, REALM_INTERNAL_EACH_81, REALM_INTERNAL_EACH_80, \
                        REALM_INTERNAL_EACH_79, REALM_INTERNAL_EACH_78, REALM_INTERNAL_EACH_77, \
                        REALM_INTERNAL_EACH_76, REALM_INTERNAL_EACH_75, REALM_INTERNAL_EACH_74, \
                        REALM_INTERNAL_EACH_73, REALM_INTERNAL_EACH_72, REALM_INTERNAL_EACH_71, \
                        REALM_INTERNAL_EACH_70, REALM_INTERNAL_EACH_69, REALM_INTERNAL_EACH_68, \
                        REALM_INTERNAL_EACH_67, REALM_INTERNAL_EACH_66, REALM_INTERNAL_EACH_65, \
                        REALM_INTERNAL_EACH_64, REALM_INTERNAL_EACH_63, REALM_INTERNAL_EACH_62, \
                        REALM_INTERNAL_EACH_61, REALM_INTERNAL_EACH_60, REALM_INTERNAL_EACH_59, \
                        REALM_INTERNAL_EACH_58, REALM_INTERNAL_EACH_57, REALM_INTERNAL_EACH_56, \
                        REALM_INTERNAL_EACH_55, REALM_INTERNAL_EACH_54, REALM_INTERNAL_EACH_53, \
                        REALM_INTERNAL_EACH_52, REALM_INTERNAL_EACH_51, REALM_INTERNAL_EACH_50, \
                        REALM_INTERNAL_EACH_49, REALM_INTERNAL_EACH_48, REALM_INTERNAL_EACH_47, \
                        REALM_INTERNAL_EACH_46, REALM_INTERNAL_EACH_45, REALM_INTERNAL_EACH_44, \
                        REALM_INTERNAL_EACH_43, REALM_INTERNAL_EACH_42, REALM_INTERNAL_EACH_41, \
                        REALM_INTERNAL_EACH_40, REALM_INTERNAL_EACH_39, REALM_INTERNAL_EACH_38, \
                        REALM_INTERNAL_EACH_37, REALM_INTERNAL_EACH_36, REALM_INTERNAL_EACH_35, \
                        REALM_INTERNAL_EACH_34, REALM_INTERNAL_EACH_33, REALM_INTERNAL_EACH_32, \
                        REALM_INTERNAL_EACH_31, REALM_INTERNAL_EACH_30, REALM_INTERNAL_EACH_29, \
                        REALM_INTERNAL_EACH_28, REALM_INTERNAL_EACH_27, REALM_INTERNAL_EACH_26, \
                        REALM_INTERNAL_EACH_25, REALM_INTERNAL_EACH_24, REALM_INTERNAL_EACH_23, \
                        REALM_INTERNAL_EACH_22, REALM_INTERNAL_EACH_21, REALM_INTERNAL_EACH_20, \
                        REALM_INTERNAL_EACH_19, REALM_INTERNAL_EACH_18, REALM_INTERNAL_EACH_17, \
                        REALM_INTERNAL_EACH_16, REALM_INTERNAL_EACH_15, REALM_INTERNAL_EACH_14, \
                        REALM_INTERNAL_EACH_13, REALM_INTERNAL_EACH_12, REALM_INTERNAL_EACH_11, \
                        REALM_INTERNAL_EACH_10, REALM_INTERNAL_EACH_9, REALM_INTERNAL_EACH_8,   \
                        REALM_INTERNAL_EACH_7, REALM_INTERNAL_EACH_6, REALM_INTERNAL_EACH_5,    \
                        REALM_INTERNAL_EACH_4, REALM_INTERNAL_EACH_3, REALM_INTERNAL_EACH_2,    \
                        REALM_INTERNAL_EACH_1, ~)                                               \
    (M, c, __VA_ARGS__)

#endif
