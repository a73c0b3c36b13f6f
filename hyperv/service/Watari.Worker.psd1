# Manifest of the module; see Watari.Worker.psm1.
@{
    RootModule        = 'Watari.Worker.psm1'
    ModuleVersion     = '0.1.0'
    GUID              = '0c4c3c1a-52f4-4b0e-8f0e-6d1f8f7a3b95'
    Author            = 'watari'
    Copyright         = 'MIT'
    Description       = 'Registers the watari worker of a node with the Task Scheduler of this computer.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @(
        'Enable-WatariWorkerTask'
        'Get-WatariAccount'
        'Get-WatariSession'
        'Get-WatariShell'
        'Get-WatariWorkerProcess'
        'Get-WatariWorkerTask'
        'Invoke-WatariOperation'
        'Register-WatariWorkerTask'
        'Start-WatariWorkerTask'
        'Stop-WatariWorkerTask'
        'Unregister-WatariWorkerTask'
    )
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
